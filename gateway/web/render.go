package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"time"

	"rorpost/gateway/audit"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// view is one page: a template, the question in its title, and what the template needs.
type view struct {
	Name    string // Template file without its ending.
	Title   string // The question. Never about a person by name or number.
	Live    bool   // Fetch again when an event comes.
	Refresh int    // Seconds between reloads without script; 0 never.
	Body    any

	Unit, UnitID string
	Visitor      visitor
	Desk         bool  // This gateway has a desk.
	Parked       int64 // Badge in the menu.
}

// notice says what happened and what to do about it.
type notice struct{ What, Hint string }

var auditDown = notice{"Nothing is shown, because the audit trail cannot be written",
	"Tell those who run the gateway; the disk may be full."}

var storeDown = notice{"The store does not answer", "Try again in a moment. What was acknowledged is safe."}

// pageNames are the templates beside layout.html.
var pageNames = []string{"overview", "desk", "parked", "messages", "message", "devices", "login", "problem"}

func parsePages() (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range pageNames {
		t, err := template.New("layout.html").Funcs(templateFuncs()).
			ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("web: page %s: %w", name, err)
		}
		pages[name] = t
	}
	return pages, nil
}

func templateFuncs() template.FuncMap {
	return template.FuncMap{"clock": clock, "stamp": stamp, "ago": func(t time.Time) string { return ago(time.Since(t)) }}
}

// render writes a page, or nothing of it when the template fails half-way.
func (s *Server) render(w http.ResponseWriter, r *http.Request, code int, v view) {
	v.Unit, v.UnitID, v.Desk = s.o.UnitName, s.o.Unit, s.o.Desk != nil
	if who, ok := s.visitor(r); ok {
		v.Visitor = who
		v.Parked = s.openParked(r)
	}
	var page bytes.Buffer
	if err := s.pages[v.Name].Execute(&page, v); err != nil {
		s.log.Error("page failed", "page", v.Name, "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(page.Bytes()) // The browser has gone: nobody to tell.
}

func (s *Server) openParked(r *http.Request) int64 {
	c, err := s.o.Store.Counts(r.Context())
	if err != nil {
		return 0
	}
	return c.ParkedOpen
}

// problem is the page for what went wrong.
func (s *Server) problem(w http.ResponseWriter, r *http.Request, code int, n notice) {
	s.render(w, r, code, view{Name: "problem", Title: "What went wrong?", Body: n})
}

// note writes one line of the audit trail. Without a trail nothing about a person may be shown (P9).
func (s *Server) note(r *http.Request, v visitor, e audit.Event) error {
	if s.o.Audit == nil {
		return fmt.Errorf("audit: no trail")
	}
	e.Who, e.Role, e.Unit = v.Name, string(v.Role), s.o.Unit
	if err := s.o.Audit.Record(r.Context(), e); err != nil {
		s.log.Error("audit failed", "action", e.Action, "error", err)
		return err
	}
	return nil
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	b, err := fs.ReadFile(assetFiles, "assets/"+name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(b)
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		code, b = http.StatusInternalServerError, []byte(`{"error":"the answer could not be made","hint":""}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n')) // The client has gone: nobody to tell.
}

func writeError(w http.ResponseWriter, code int, what, hint string) {
	writeJSON(w, code, map[string]string{"error": what, "hint": hint})
}

// clock is a time of today; an older one has its date.
func clock(t time.Time) string {
	t = t.Local()
	if time.Since(t) > 20*time.Hour {
		return t.Format("2 Jan 15:04")
	}
	return t.Format("15:04:05")
}

// stamp is a time to the millisecond, for those who compare it with another log.
func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000 -07:00") }

// ago is an age in words.
func ago(d time.Duration) string {
	if d < 5*time.Second {
		return "just now"
	}
	return roughly(d) + " ago"
}

// roughly is a duration in its largest unit.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return plural(max(1, int(d.Round(time.Second)/time.Second)), "second")
	case d < time.Hour:
		return plural(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return plural(int(d/time.Hour), "hour")
	}
	return plural(int(d/(24*time.Hour)), "day")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// seconds is a duration for the Retry-After header, rounded up.
func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }
