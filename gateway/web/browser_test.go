package web

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"rorpost/gateway/intake"
	"rorpost/gateway/outbox"
	"rorpost/gateway/store"
)

// browser is one tab of a real browser, and what it complained about.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string
	mu   sync.Mutex
	said []string
}

// openBrowser starts Chromium with an empty profile, or skips.
func openBrowser(t *testing.T, base string) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a real browser is not started in a short run")
	}
	var exe string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			exe = path
			break
		}
	}
	if exe == "" {
		t.Skip("no chromium is found: the pages are not tried in a real browser")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(exe), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.WSURLReadTimeout(60*time.Second))
	b := &browser{t: t, base: base}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(stop)
	ctx, stopBrowser := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stopBrowser)
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithListener(b.listen))
	t.Cleanup(closeTab)
	b.ctx = ctx
	if err := chromedp.Do(ctx, call(cdplog.Enable, cdp.Empty{})); err != nil {
		t.Fatal("start the browser:", err)
	}
	return b
}

// call makes a step of a command of the protocol.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// listen gathers console errors, exceptions and violations of the content security policy.
func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if kind := string(e.Type); kind == "error" || kind == "warning" {
			b.said = append(b.said, fmt.Sprintf("console %s: %s", kind, e.Args[0].Value))
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, "exception: "+e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		if kind := string(e.Entry.Level); kind == "error" || kind == "warning" {
			b.said = append(b.said, "log: "+e.Entry.Text)
		}
	}
}

// run does steps, in bounded time.
func (b *browser) run(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, 40*time.Second)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// ask does one step that has an answer.
func ask[T any](b *browser, what string, step chromedp.Action[T]) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, 40*time.Second)
	defer stop()
	v, err := chromedp.Run(ctx, step)
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	return v
}

// open shows a page and waits for its title.
func (b *browser) open(path string) {
	b.t.Helper()
	b.run("open "+path, chromedp.Navigate(b.base+path), chromedp.WaitVisible(chromedp.CSS("h1")))
}

// sees waits until an element has the text.
func (b *browser) sees(selector, text string) {
	b.t.Helper()
	js := fmt.Sprintf("(document.querySelector(%q)?.innerText ?? '').includes(%q)", selector, text)
	ctx, stop := context.WithTimeout(b.ctx, 20*time.Second)
	defer stop()
	if _, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](js)); err != nil {
		got := ask(b, "read "+selector, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText ?? 'no such element'", selector)))
		b.t.Errorf("%s: got %q, want %q in it (%v)", selector, got, text, err)
	}
}

// shoot writes pictures in light and dark, wide and narrow, when a folder for them is named.
func (b *browser) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("RORPOST_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 420} {
			b.run("prepare a picture", call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}), chromedp.EmulateViewport(width, 900))
			png := ask(b, "take a picture", chromedp.FullScreenshot(100))
			file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
			if err := os.WriteFile(file, png, 0o644); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.run("reset the screen", chromedp.ResetViewport(), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}))
}

// fits fails when a page is wider than its window: nobody scrolls sideways on a telephone.
func (b *browser) fits(path string) {
	b.t.Helper()
	b.run("make the window narrow", chromedp.EmulateViewport(420, 900))
	over := ask(b, "measure "+path, chromedp.Evaluate[int]("document.documentElement.scrollWidth - window.innerWidth"))
	b.run("reset the window", chromedp.ResetViewport())
	if over > 0 {
		b.t.Errorf("%s at 420 px: %d px too wide", path, over)
	}
}

// morning puts a unit's ordinary morning into the site.
func morning(s *site) {
	now := time.Now()
	s.set([]intake.Status{
		{Name: "desk", Kind: "scanner", Port: "/dev/ttyACM0", State: "messages", Since: now.Add(-4 * time.Hour), LastSeen: now.Add(-40 * time.Second), Messages: 41},
		{Name: "hba1c", Kind: "analyzer", Profile: "siemens-dca-vantage", Port: "/dev/ttyUSB0", State: "messages", Since: now.Add(-3 * time.Hour), LastSeen: now.Add(-9 * time.Minute), Messages: 12},
		{Name: "blood count", Kind: "analyzer", Profile: "sysmex-xp100", Port: "/dev/ttyUSB1", State: "bytes", Since: now.Add(-20 * time.Minute), LastSeen: now.Add(-8 * time.Second), Rejected: 3,
			Detail: "312 bytes, none of them a frame", Hint: "check that the baud rate is the analyzer's"},
		{Name: "answers", Kind: "listener", Port: "127.0.0.1:2575", State: "messages", Since: now.Add(-26 * time.Hour), LastSeen: now.Add(-2 * time.Minute), Messages: 208},
	}, []outbox.Status{
		{Name: "the laboratory", Kind: "mllp", Serves: "laboratory", Address: "lab.example:2575", State: "idle", Since: now.Add(-4 * time.Hour), Delivered: 38, Connected: true},
		{Name: "journal", Kind: "mllp", Serves: "journal", Address: "journal.example:2576", State: "waiting", Since: now.Add(-90 * time.Second), Why: "it answered AE: the table is locked", Hint: "nothing to do: it is tried again by itself", Waiting: 2, Oldest: now.Add(-2 * time.Minute), Delivered: 219, Retried: 3},
		{Name: "patients", Kind: "http", Serves: "patient", Address: "https://central.example", State: "idle", Since: now.Add(-4 * time.Hour), Delivered: 221, Connected: true},
		{Name: "orders", Kind: "http", Serves: "orders", Address: "https://central.example", State: "idle", Since: now.Add(-4 * time.Hour), Delivered: 76, Connected: true},
	})
	scan := s.accept(store.Arrival{Kind: store.KindScan, Source: "desk", Body: []byte(testNumber + "\r")})
	s.settle(store.Settlement{Arrival: scan, Decision: "orders claimed"})
	tube := s.accept(store.Arrival{Kind: store.KindScan, Source: "desk", Body: []byte("LID0001\r")})
	order := s.settle(store.Settlement{Arrival: tube, Decision: "collected", Owed: []store.Owed{
		{Key: s.store.Key(tube, "order", "the laboratory", 0), Destination: "the laboratory", Kind: "order", Label: "ORM^O01, order R2026-4711", Payload: []byte("x")}}})
	s.record(store.Outcome{Delivery: order[0].ID, Class: store.ClassDelivered, Detail: "AA"})
	result := s.accept(store.Arrival{Kind: store.KindMLLP, Source: "answers", Peer: "lab.example", Control: "LAB20261", Body: []byte(testORU)})
	both := s.settle(store.Settlement{Arrival: result, Decision: "routed", Rule: "results to both", Owed: []store.Owed{
		{Key: s.store.Key(result, "r", "journal", 0), Destination: "journal", Kind: "result", Label: "HbA1c, final", Payload: []byte("x")},
		{Key: s.store.Key(result, "r", "patients", 0), Destination: "patients", Kind: "result", Label: "HbA1c, final", Payload: []byte("y")}}})
	s.record(store.Outcome{Delivery: both[1].ID, Class: store.ClassDelivered, Detail: "201"})
	s.record(store.Outcome{Delivery: both[0].ID, Class: store.ClassRetry, Detail: "it answered AE: the table is locked", Hint: "it is tried again by itself", NotBefore: now.Add(time.Minute)})
	second := s.accept(store.Arrival{Kind: store.KindASTM, Source: "hba1c", Body: []byte("H|\\^&|||DCA VANTAGE\rP|1\rO|1|LID0009||^^^HbA1c\rR|1|^^^HbA1c|48|mmol/mol||N||F\rL|1|N\r")})
	s.settle(store.Settlement{Arrival: second, Decision: "parked", Park: &store.Park{Reason: "no order is known for specimen LID0009",
		Hint: "check the label on the cartridge's tube; if the order came on paper, set this aside"}})
	third := s.accept(store.Arrival{Kind: store.KindMLLP, Source: "answers", Peer: "lab.example", Control: "LAB20262", Body: []byte(testORU)})
	refused := s.settle(store.Settlement{Arrival: third, Decision: "routed", Rule: "results to both", Owed: []store.Owed{
		{Key: s.store.Key(third, "r", "journal", 0), Destination: "journal", Kind: "result", Subject: "order R2026-4699", Label: "CRP, final", Payload: []byte("z")}}})
	for range 2 {
		s.record(store.Outcome{Delivery: refused[0].ID, Class: store.ClassRetry, Detail: "the connection was lost before the answer", NotBefore: now})
	}
	s.record(store.Outcome{Delivery: refused[0].ID, Class: store.ClassPark, Detail: "the journal answered AR: unknown patient", Hint: "the patient is not in the journal yet: register, then try again"})
}

func (s *site) record(o store.Outcome) {
	s.t.Helper()
	if _, err := s.store.Record(s.t.Context(), o); err != nil {
		s.t.Fatal("record:", err)
	}
}

func TestInARealBrowser(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Found = func() int64 { return 40 } })
	morning(s)
	b := openBrowser(t, s.http.URL)
	b.open("/")
	b.sees("#headline", "Almost.")
	b.sees("#events", "it answered AE: the table is locked")
	b.sees("#pulse", "live")
	b.shoot("flow")
	b.fits("/")
	s.accept(store.Arrival{Kind: store.KindMLLP, Source: "answers", Control: "LIVE1", Body: []byte(testORU)})
	b.sees("#events li:first-child", "came in")
	b.seesLink(s)
	walkDesk(s, b)
	walkMessages(s, b)
	b.open("/devices")
	b.sees("#answer", "Almost.")
	b.sees("#devices", "Check that the baud rate")
	b.shoot("devices")
	b.fits("/devices")
	b.quiet()
}

func TestLogInInARealBrowser(t *testing.T) {
	s := newSite(t, withUsers(t))
	b := openBrowser(t, s.http.URL)
	b.open("/parked")
	b.sees("h1", "Who are you?")
	b.shoot("login")
	b.fits("/login")
	b.run("log in", chromedp.SendKeys(chromedp.CSS("#name"), "u-lab-it"), chromedp.SendKeys(chromedp.CSS("#password"), "correct horse\r"),
		chromedp.WaitVisible(chromedp.CSS("#waiting, #answer")))
	b.sees("h1", titles["/parked"])
	b.sees(".who", "u-lab-it")
	b.sees("#pulse", "live")
	b.open("/desk")
	b.sees("main", "Your role may not open this page")
	b.mu.Lock()
	b.said = slices.DeleteFunc(b.said, func(line string) bool { return strings.Contains(line, "403") }) // The refusal itself.
	b.mu.Unlock()
	b.quiet()
}

// seesLink breaks a link and waits for the headline to say so, without a reload.
func (b *browser) seesLink(s *site) {
	b.t.Helper()
	links := s.allLinks()
	broken := slices.Clone(links)
	broken[0].State, broken[0].Why, broken[0].Connected = "down", "connection refused", false
	s.set(s.allDevices(), broken)
	s.web.Publish(store.Event{Time: time.Now(), What: store.EventRetry, Destination: "the laboratory", Detail: "connection refused"})
	b.sees("#headline", "No.")
	b.sees("#post", "cannot be reached")
	b.shoot("flow-broken")
	s.set(s.allDevices(), links)
}

func walkDesk(s *site, b *browser) {
	b.t.Helper()
	b.open("/desk")
	b.sees("#collection", "Nobody is at the desk")
	b.shoot("desk-empty")
	b.run("type a number", chromedp.SendKeys(chromedp.CSS("#text"), testWritten+"\r"), chromedp.WaitVisible(chromedp.CSS(".person")))
	b.sees(".person", testWritten)
	b.sees("#collection", "scan its label now")
	b.run("scan a label", chromedp.SendKeys(chromedp.CSS("#text"), "LID0001\r"), chromedp.WaitVisible(chromedp.CSS(".tubes-to-take .done")))
	b.shoot("desk")
	b.fits("/desk")
	address := ask(b, "read the address", chromedp.Location())
	if want := s.http.URL + "/desk"; address != want {
		b.t.Errorf("the address of the desk: got %s, want %s", address, want)
	}
	b.run("scan the second label", chromedp.SendKeys(chromedp.CSS("#text"), "LID0002\r"), chromedp.WaitEnabled(chromedp.CSS("form[action='/desk/confirm'] button")),
		chromedp.Click(chromedp.CSS("form[action='/desk/confirm'] button")), chromedp.WaitVisible(chromedp.CSS("#collection .empty")))
}

func walkMessages(s *site, b *browser) {
	b.t.Helper()
	b.open("/messages")
	b.sees("#rows", "LAB20261")
	b.shoot("messages")
	b.fits("/messages")
	b.run("search", chromedp.SendKeys(chromedp.CSS("#q"), "LAB20261\r"), chromedp.WaitVisible(chromedp.CSS("#found")))
	b.run("open the message", chromedp.Click(chromedp.CSS("#rows tbody a")), chromedp.WaitVisible(chromedp.CSS(".raw")))
	b.sees(".raw", "•••")
	b.shoot("message")
	b.fits("/messages/3")
	b.run("show", chromedp.Click(chromedp.CSS("form[action$='/show'] button")), chromedp.WaitNotPresent(chromedp.CSS("form[action$='/show']")))
	b.sees(".raw", testNumber)
	b.open("/parked")
	b.sees("#waiting", "unknown patient")
	b.shoot("parked")
	b.fits("/parked")
	b.run("set aside", chromedp.SendKeys(chromedp.CSS("#waiting input[name=why]"), "the order came on paper\r"), chromedp.WaitVisible(chromedp.CSS("#resolved")))
	b.sees("#resolved", "the order came on paper")
	if !s.saw("view identity") || !s.saw("view desk") {
		b.t.Error("what the browser showed is not in the trail")
	}
}

// quiet fails when the browser complained.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.said {
		b.t.Errorf("the browser said: %s", line)
	}
}
