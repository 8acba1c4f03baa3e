package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rorpost/gateway/store"
)

func TestP9_ViewingAMessageIsMaskedAndAudited(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	s.park()
	masked := s.get(c, "/messages/1").text
	for _, secret := range []string{testNumber, testWritten, testFamily, testGiven, "Storgatan", "Anhorig"} {
		if strings.Contains(masked, secret) {
			t.Errorf("the masked view tells %q", secret)
		}
	}
	for _, open := range []string{"MSG0001", "NPU27300", "mmol/mol", `<span class="ctl">CR</span>`} {
		if !strings.Contains(masked, open) {
			t.Errorf("the masked view does not show %q", open)
		}
	}
	if !s.saw("view") || s.saw("view identity") {
		t.Errorf("the trail after a masked view: got %v", s.trailed())
	}
	if r := s.get(c, "/messages/1/show"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET show: got %d, want 405", r.StatusCode)
	}
	shown := s.post(c, "/messages/1/show", nil).text
	if !strings.Contains(shown, testNumber) || !strings.Contains(shown, "Storgatan") {
		t.Error("the shown view does not show the body as it came")
	}
	if !s.saw("view identity") {
		t.Error("pressing show left nothing in the trail")
	}
}

func TestP9_TheDeskIsAudited(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	if r := s.post(c, "/desk/scan", url.Values{"text": {testWritten}}); r.StatusCode != 303 || r.Header.Get("Location") != "/desk" {
		t.Fatalf("scan: got %d to %q, want 303 to /desk", r.StatusCode, r.Header.Get("Location"))
	}
	page := s.get(c, "/desk").text
	for _, want := range []string{testWritten, testGiven + " " + testFamily, "HbA1c", "Creatininium", "scan its label now", "measured here"} {
		if !strings.Contains(page, want) {
			t.Errorf("the desk does not show %q", want)
		}
	}
	blind := s.store.Blind(testNumber)
	seen := map[string]bool{}
	for _, e := range s.trailed() {
		seen[e.Action] = seen[e.Action] || e.Whom == blind
	}
	for _, action := range []string{"look up orders", "view desk"} {
		if !seen[action] {
			t.Errorf("the trail has no %q about this person: %v", action, s.trailed())
		}
	}
	for _, label := range []string{"LID0001", "LID0002"} {
		if r := s.post(c, "/desk/scan", url.Values{"text": {label}}); r.StatusCode != 303 {
			t.Errorf("label %s: got %d", label, r.StatusCode)
		}
	}
	if r := s.post(c, "/desk/scan", url.Values{"text": {"LID0002"}}); r.StatusCode != 422 || !strings.Contains(r.text, "already been scanned") {
		t.Errorf("the same label again: got %d", r.StatusCode)
	}
	if r := s.get(c, "/api/v1/collections"); !strings.Contains(r.text, `"stage":"ready"`) || strings.Contains(r.text, testNumber) {
		t.Errorf("collections: got %s", r.text)
	}
	if r := s.post(c, "/desk/confirm", nil); r.StatusCode != 303 {
		t.Errorf("confirm: got %d", r.StatusCode)
	}
	if r := s.post(c, "/desk/cancel", nil); r.StatusCode != 409 {
		t.Errorf("cancel with nothing open: got %d, want 409", r.StatusCode)
	}
	if !s.saw("confirm collection") {
		t.Error("the trail has no confirm collection")
	}
}

func TestP9_WithoutATrailNothingIsShown(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Audit = nil })
	c := s.visitorClient()
	s.park()
	if err := s.desk.Submit(t.Context(), testNumber); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/messages/1", "/desk", "/api/v1/messages/1"} {
		if r := s.get(c, path); r.StatusCode != 503 || strings.Contains(r.text, testNumber) || strings.Contains(r.text, testWritten) {
			t.Errorf("GET %s: got %d, want 503 and nobody", path, r.StatusCode)
		}
	}
	for _, path := range []string{"/messages/1/show", "/desk/scan", "/desk/confirm", "/parked/1/release"} {
		if r := s.post(c, path, url.Values{"text": {testNumber}}); r.StatusCode != 503 {
			t.Errorf("POST %s: got %d, want 503", path, r.StatusCode)
		}
	}
}

func TestP9_NoNumberInTitleAddressLogOrError(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	s.park()
	title := regexp.MustCompile(`<title>([^<]*)</title>`)
	check := func(what string, r reply) {
		t.Helper()
		for _, secret := range []string{testNumber, testWritten, "8501012382", testFamily} {
			for place, text := range map[string]string{"title": strings.Join(title.FindStringSubmatch(r.text), " "),
				"address": r.Header.Get("Location") + r.Request.URL.String(), "log": s.log.String()} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: the %s tells who it is about", what, place)
				}
			}
		}
	}
	check("scan", s.post(c, "/desk/scan", url.Values{"text": {testNumber}}))
	check("desk", s.get(c, "/desk"))
	check("show", s.post(c, "/messages/1/show", nil))
	check("search", s.post(c, "/messages", url.Values{"q": {testWritten}}))
	check("log in", s.post(c, "/login", url.Values{"name": {testNumber}, "password": {testNumber}}))
	s.desk.fail = fmt.Errorf("no row for %s", testNumber[:0])
	check("failing desk", s.get(c, "/desk"))
	bad := s.post(c, "/parked/1/reject", url.Values{"why": {"fel person " + testWritten}})
	if bad.StatusCode != 422 || !strings.Contains(bad.text, "has a personal number in it") {
		t.Errorf("a reason with a number: got %d, want 422", bad.StatusCode)
	}
	for _, e := range s.trailed() {
		if text := fmt.Sprint(e); strings.Contains(text, testNumber) || strings.Contains(text, testWritten) {
			t.Errorf("the trail has the number in plain text: %s", e.Action)
		}
	}
	if links := regexp.MustCompile(`(?:href|action|src)="[^"]*\d{8}`).FindString(s.get(c, "/desk").text); links != "" {
		t.Errorf("a link with a number in it: %s", links)
	}
}

func TestP9_MaskingHidesWhoItIsAbout(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	cases := []struct {
		name   string
		kind   store.Kind
		body   string
		hidden []string
		open   []string
	}{
		{"hl7", store.KindMLLP, testORU, []string{testNumber, testFamily, "Storgatan", "Anhorig", "19850101-2382"}, []string{"MSG0001", "NPU27300^HbA1c", "20261123081500"}},
		{"hl7 with line feeds", store.KindMLLP, strings.ReplaceAll(testORU, "\r", "\r\n"), []string{testNumber, testFamily}, []string{"P100"}},
		{"hl7 with other separators", store.KindMLLP, "MSH#^~\\&#A\rPID#1##8501012382##Provperson^Siri\r", []string{"8501012382", testFamily}, []string{"MSH#"}},
		{"hl7 behind a start block", store.KindMLLP, "\x0bPID|1||X77^Y|A^B\r", []string{"X77"}, nil},
		{"astm records", store.KindASTM, "H|\\^&|||DCA\rP|1||198501012382||Provperson^Siri\rO|1|LID0001||^^^HbA1c\rR|1|^^^HbA1c|42|mmol/mol\rL|1\r",
			[]string{testNumber, testFamily}, []string{"LID0001", "HbA1c", "mmol/mol", "DCA"}},
		{"astm frames", store.KindASTM, "\x021H|\\^&\r\x0305\r\n\x022P|1||198501012382||Prov\x1707\r\n\x023person^Siri\r\x0399\r\n\x024O|1|LID0001\r\x0311\r\n",
			[]string{testNumber, "Prov", "person", "Siri"}, []string{"LID0001"}},
		{"astm query", store.KindASTM, "H|\\^&\rQ|1|^198501012382||ALL\rL|1|N\r", []string{testNumber}, []string{"H|"}},
		{"a scanned person", store.KindScan, testNumber + "\r", []string{testNumber}, nil},
		{"a scanned wrong number", store.KindScan, "198501012383\r", []string{"198501012383"}, nil},
		{"a scanned short number", store.KindScan, "850101-2382", []string{"850101-2382"}, nil},
		{"a scanned tube", store.KindScan, "LID0001\r", nil, []string{"LID0001"}},
		{"json", store.KindAPI, `{"person":{"value":"198501012382","family":"Provperson"}}`, []string{testNumber, testFamily}, nil},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			got := plainText(rawLines([]byte(x.body), hide(x.kind, []byte(x.body), now)))
			for _, secret := range x.hidden {
				if strings.Contains(got, secret) || strings.Contains(maskedText(x.kind, []byte(x.body)), secret) {
					t.Errorf("got %q: it tells %q", got, secret)
				}
			}
			for _, want := range x.open {
				if !strings.Contains(got, want) {
					t.Errorf("got %q: it hides %q", got, want)
				}
			}
		})
	}
}

func plainText(lines [][]span) string {
	var b strings.Builder
	for _, line := range lines {
		for _, s := range line {
			if s.Class != "ctl" {
				b.WriteString(s.Text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestP6_EveryByteIsShown(t *testing.T) {
	var body []byte
	for b := range 256 {
		body = append(body, byte(b))
	}
	shown := 0
	for _, line := range rawLines(body, nil) {
		for _, s := range line {
			if s.Class == "ctl" {
				shown++
			} else {
				shown += len([]rune(s.Text))
			}
		}
	}
	if shown != 256 {
		t.Errorf("bytes shown: got %d, want 256", shown)
	}
}

func FuzzHideNeverPanics(f *testing.F) {
	f.Add("\x022P|1||x\x1707\r\n\x023y\r", true)
	f.Add(testORU, false)
	f.Fuzz(func(t *testing.T, body string, astm bool) {
		kind := store.KindMLLP
		if astm {
			kind = store.KindASTM
		}
		mask := hide(kind, []byte(body), time.Unix(1_800_000_000, 0))
		rawLines([]byte(body), mask)
		maskedText(kind, []byte(body))
	})
}

func TestP9_EveryPublishedNumberIsMasked(t *testing.T) {
	numbers := []string{"201201012380", "198501012382", "195001182046", "191202119150", "189002029800", "200001252386",
		"196109732393", "191401682396"}
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for _, n := range numbers {
		for _, form := range []string{n, n[:8] + "-" + n[8:], n[2:], n[2:8] + "-" + n[8:]} {
			body := "MSH|^~\\&|A\rNTE|1||patient " + form + " seen\r"
			if got := plainText(rawLines([]byte(body), hide(store.KindMLLP, []byte(body), now))); strings.Contains(got, form) {
				t.Errorf("the number with the century %s in a comment is not masked", form[:2])
			}
		}
	}
}
