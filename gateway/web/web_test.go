package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rorpost/gateway/intake"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
)

// titles are the questions; a page without its question is not that page.
var titles = map[string]string{
	"/":         "Is everything flowing?",
	"/desk":     "What is ordered for this person?",
	"/parked":   "What waits for a person?",
	"/messages": "What came in and where did it go?",
	"/devices":  "Are the devices talking?",
}

func TestPagesAnswerOneQuestionEach(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	for path, title := range titles {
		r := s.get(c, path)
		if r.StatusCode != http.StatusOK {
			t.Errorf("GET %s: got %d, want 200", path, r.StatusCode)
		}
		if !strings.Contains(r.text, "<title>"+title) || !strings.Contains(r.text, "<h1>"+title) {
			t.Errorf("GET %s: the title is not %q", path, title)
		}
		if got := r.Header.Get("Content-Security-Policy"); got != policy {
			t.Errorf("GET %s: content security policy: got %q", path, got)
		}
		for _, word := range []string{" style=", "<style", "onclick", "javascript:", "http://", "https://"} {
			if strings.Contains(r.text, word) {
				t.Errorf("GET %s: the page has %q in it", path, word)
			}
		}
	}
}

func TestOverviewSaysWhatIsWrongInWords(t *testing.T) {
	up := outbox.Status{Name: "journal", Kind: "mllp", Serves: "journal", State: "idle", Connected: true}
	cases := []struct {
		name    string
		devices []intake.Status
		links   []outbox.Status
		want    []string
	}{
		{"all well", []intake.Status{{Name: "hba1c", Kind: "analyzer", State: "messages"}}, []outbox.Status{up},
			[]string{`class="answer good"`, "Yes. Everything is flowing."}},
		{"a retry", nil, []outbox.Status{{Name: "journal", Serves: "journal", State: "waiting", Why: "it answered AE", Waiting: 2}},
			[]string{`class="answer warn"`, "Almost.", "journal: waiting to try again, 2 things waiting", "It answered AE."}},
		{"a link down", nil, []outbox.Status{{Name: "journal", Serves: "journal", State: "down", Why: "connection refused", Hint: "call the hospital"}},
			[]string{`class="answer bad"`, "No.", "journal: cannot be reached", "Connection refused. Call the hospital."}},
		{"a device gone", []intake.Status{{Name: "crp", Kind: "analyzer", State: "down", Hint: "look at the cable"}}, []outbox.Status{up},
			[]string{`class="answer bad"`, "crp: not connected", "Look at the cable."}},
	}
	s := newSite(t, nil)
	c := s.visitorClient()
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			s.set(x.devices, x.links)
			got := s.get(c, "/").text
			for _, want := range x.want {
				if !strings.Contains(got, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
		})
	}
}

func TestWrongMethodPathAndNumber(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	for path, want := range map[string]int{"/nothing": 404, "/messages/x": 404, "/messages/0": 404, "/messages/999": 404,
		"/messages/-1": 404, "/messages/99999999999999999999": 404, "/api/v1/messages/7x": 404, "/api/v1/nothing": 404,
		"/assets/none.css": 404, "/desk/scan": 405, "/parked/1/release": 405, "/api/v1/desk/scan": 405} {
		if r := s.get(c, path); r.StatusCode != want {
			t.Errorf("GET %s: got %d, want %d", path, r.StatusCode, want)
		}
	}
	for path, want := range map[string]int{"/": 405, "/devices": 405, "/parked/x/release": 404, "/parked/999/release": 404,
		"/messages/999/show": 404, "/api/v1/counts": 405} {
		if r := s.post(c, path, nil); r.StatusCode != want {
			t.Errorf("POST %s: got %d, want %d", path, r.StatusCode, want)
		}
	}
}

func TestHealthReadyMetrics(t *testing.T) {
	var why error
	s := newSite(t, func(o *Options) { o.Ready = func() error { return why } })
	c := s.visitorClient()
	if r := s.get(c, "/healthz"); r.StatusCode != 200 || !strings.Contains(r.text, "ok") {
		t.Errorf("healthz: got %d %s", r.StatusCode, r.text)
	}
	if r := s.get(c, "/metrics"); r.text != "rorpost_up 1\n" {
		t.Errorf("metrics: got %q", r.text)
	}
	if r := s.get(c, "/readyz"); r.StatusCode != 200 {
		t.Errorf("readyz: got %d, want 200", r.StatusCode)
	}
	why = errors.Join(errors.New("the disk is full"), errors.New("the listener has not started"))
	r := s.get(c, "/readyz")
	var got struct{ Reasons []string }
	if err := json.Unmarshal([]byte(r.text), &got); err != nil || r.StatusCode != 503 || len(got.Reasons) != 2 {
		t.Errorf("readyz: got %d %s, want 503 and two reasons", r.StatusCode, r.text)
	}
	if page := s.get(c, "/").text; !strings.Contains(page, "The disk is full.") {
		t.Error("the front page does not say why the gateway is not ready")
	}
}

func TestParkedIsReleasedAndRejected(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	item := s.park()
	page := s.get(c, "/parked").text
	for _, want := range []string{"1 thing waits for a person", "no order is known for this specimen", "choose the order", "Try again", "Set aside"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	path := fmt.Sprintf("/parked/%d/", item.ID)
	if r := s.post(c, path+"reject", url.Values{"why": {" "}}); r.StatusCode != 422 || !strings.Contains(r.text, "needs a reason") {
		t.Errorf("reject without a reason: got %d", r.StatusCode)
	}
	if r := s.post(c, path+"release", nil); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/parked" {
		t.Errorf("release: got %d, want 303 to /parked", r.StatusCode)
	}
	if r := s.post(c, path+"release", nil); r.StatusCode != http.StatusConflict {
		t.Errorf("release twice: got %d, want 409", r.StatusCode)
	}
	if page := s.get(c, "/parked").text; !strings.Contains(page, "Nothing. Everything that came in") || !strings.Contains(page, "tried again") {
		t.Error("the released thing is not listed as resolved")
	}
	for _, action := range []string{store.ActionRelease} {
		if !s.saw(action) {
			t.Errorf("the trail has no %s", action)
		}
	}
}

func TestAPI(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	s.set([]intake.Status{{Name: "answers", Kind: "listener", State: "messages", Messages: 1}},
		[]outbox.Status{{Name: "journal", Kind: "mllp", Serves: "journal", State: "down", Why: "connection refused"}})
	item := s.park()
	for path, want := range map[string]string{
		"/api/v1/counts":        `"parked":1`,
		"/api/v1/devices":       `"state":"messages","level":"good"`,
		"/api/v1/links":         `"level":"bad"`,
		"/api/v1/parked":        `"reason":"no order is known for this specimen"`,
		"/api/v1/parked?all=1":  `"id":`,
		"/api/v1/messages":      `"control":"MSG0001"`,
		"/api/v1/messages/1":    `"body_masked":"MSH|`,
		"/api/v1/deliveries":    `"deliveries":[`,
		"/api/v1/collections":   `"collections":[]`,
		"/api/v1/messages?x=%1": `"messages":[`,
	} {
		r := s.get(c, path)
		if r.StatusCode != 200 || !strings.Contains(r.text, want) {
			t.Errorf("GET %s: got %d %s, want %s", path, r.StatusCode, r.text, want)
		}
		if strings.Contains(r.text, testNumber) || strings.Contains(r.text, testFamily) {
			t.Errorf("GET %s: the answer tells who it is about", path)
		}
	}
	path := fmt.Sprintf("/api/v1/parked/%d/reject", item.ID)
	for body, want := range map[string]int{`{}`: 422, `{"why":`: 400, `{"no":1}`: 400, `{"why":"a"} {}`: 400} {
		if r := s.send(c, path, "application/json", body); r.StatusCode != want {
			t.Errorf("reject with %s: got %d, want %d", body, r.StatusCode, want)
		}
	}
	if r := s.send(c, path, "text/plain", `{"why":"seen"}`); r.StatusCode != 400 {
		t.Errorf("reject as text: got %d, want 400", r.StatusCode)
	}
	if r := s.send(c, path, "application/json", `{"why":"the tube was empty"}`); r.StatusCode != 200 {
		t.Errorf("reject: got %d %s, want 200", r.StatusCode, r.text)
	}
	if r := s.send(c, "/api/v1/messages/search", "application/json", `{"text":"MSG0001"}`); r.StatusCode != 200 {
		t.Errorf("search: got %d %s", r.StatusCode, r.text)
	}
}

func TestMessagesShowWhereTheyWent(t *testing.T) {
	s := newSite(t, nil)
	c := s.visitorClient()
	id := s.accept(store.Arrival{Kind: store.KindMLLP, Source: "answers", Control: "MSG0001", Body: []byte(testORU)})
	owed := s.settle(store.Settlement{Arrival: id, Decision: "routed", Rule: "results to both",
		Owed: []store.Owed{{Key: s.store.Key(id, "r", "journal", 0), Destination: "journal", Kind: "result", Label: "HbA1c, final", Payload: []byte("x")}},
		Keys: []store.SearchKey{{Kind: "specimen", Value: "LID77"}}})
	if _, err := s.store.Record(t.Context(), store.Outcome{Delivery: owed[0].ID, Class: store.ClassRetry, Detail: "connection refused",
		Hint: "is the journal up?", NotBefore: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	page := s.get(c, fmt.Sprintf("/messages/%d", id)).text
	for _, want := range []string{"results to both", "will try again", "Connection refused.", "HbA1c, final", "Is the journal up?"} {
		if !strings.Contains(page, want) {
			t.Errorf("the message's page does not say %q", want)
		}
	}
	if r := s.post(c, "/messages", url.Values{"q": {"MSG0001"}}); r.StatusCode != 200 || !strings.Contains(r.text, "message found") {
		t.Errorf("search by control id: got %d", r.StatusCode)
	}
	if r := s.post(c, "/messages", url.Values{"source": {"answers"}}); r.StatusCode != http.StatusSeeOther {
		t.Errorf("filter by source: got %d, want 303", r.StatusCode)
	}
}
