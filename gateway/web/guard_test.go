package web

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// withUsers gives the site one user of each role, all with the same password.
func withUsers(t *testing.T) func(*Options) {
	t.Helper()
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) {
		for _, role := range Roles() {
			o.Users = append(o.Users, User{Name: "u-" + string(role), Role: role, Hash: hash})
		}
	}
}

func (s *site) logIn(role Role) *http.Client {
	s.t.Helper()
	c := s.visitorClient()
	r := s.post(c, "/login", url.Values{"name": {"u-" + string(role)}, "password": {"correct horse"}})
	if r.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("log in as %s: got %d, want 303", role, r.StatusCode)
	}
	return c
}

func TestEachRoleMayDoWhatTheTableSays(t *testing.T) {
	s := newSite(t, withUsers(t))
	s.park()
	gets := map[string]permission{"/": toWatch, "/devices": toWatch, "/parked": toWatch, "/messages": toRead,
		"/messages/1": toRead, "/desk": toCollect, "/api/v1/counts": toWatch, "/api/v1/devices": toWatch,
		"/api/v1/links": toWatch, "/api/v1/parked": toWatch, "/api/v1/deliveries": toWatch,
		"/api/v1/collections": toWatch, "/api/v1/messages": toRead, "/api/v1/messages/1": toRead}
	posts := map[string]permission{"/messages/1/show": toIdentify, "/desk/scan": toCollect, "/desk/confirm": toCollect,
		"/desk/cancel": toCollect, "/parked/99/release": toResolve, "/parked/99/reject": toResolve,
		"/api/v1/parked/99/release": toResolve, "/api/v1/parked/99/reject": toResolve, "/api/v1/desk/scan": toCollect}
	for _, role := range Roles() {
		c, v := s.logIn(role), visitor{"u", role}
		for path, p := range gets {
			if got := s.get(c, path).StatusCode; (got == http.StatusForbidden) == v.may(p) {
				t.Errorf("%s: GET %s: got %d, allowed %v", role, path, got, v.may(p))
			}
		}
		for path, p := range posts {
			if got := s.post(c, path, nil).StatusCode; (got == http.StatusForbidden) == v.may(p) {
				t.Errorf("%s: POST %s: got %d, allowed %v", role, path, got, v.may(p))
			}
		}
	}
}

func TestNobodyGetsInWithoutLogIn(t *testing.T) {
	s := newSite(t, withUsers(t))
	c := s.visitorClient()
	for path := range titles {
		if r := s.get(c, path); r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), "/login") {
			t.Errorf("GET %s: got %d to %q, want 303 to /login", path, r.StatusCode, r.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/api/v1/events", "/api/v1/counts", "/api/v1/messages/1"} {
		if r := s.get(c, path); r.StatusCode != http.StatusUnauthorized {
			t.Errorf("GET %s: got %d, want 401", path, r.StatusCode)
		}
	}
	if r := s.post(c, "/messages/1/show", nil); r.StatusCode != http.StatusSeeOther {
		t.Errorf("POST show: got %d, want 303", r.StatusCode)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/login", "/assets/style.css"} {
		if r := s.get(c, path); r.StatusCode != http.StatusOK {
			t.Errorf("GET %s: got %d, want 200", path, r.StatusCode)
		}
	}
}

func TestLogInAndOut(t *testing.T) {
	s := newSite(t, withUsers(t))
	c := s.visitorClient()
	in := url.Values{"name": {"u-staff"}, "password": {"wrong"}, "next": {"//elsewhere.example/"}}
	if r := s.post(c, "/login", in); r.StatusCode != http.StatusUnauthorized || strings.Contains(r.text, "wrong") {
		t.Errorf("wrong password: got %d", r.StatusCode)
	}
	in.Set("password", "correct horse")
	r := s.post(c, "/login", in)
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/" {
		t.Errorf("log in: got %d to %q, want 303 to /", r.StatusCode, r.Header.Get("Location"))
	}
	cookie := r.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the session cookie is not %s", want)
		}
	}
	if r := s.get(c, "/"); r.StatusCode != 200 || !strings.Contains(r.text, "u-staff") {
		t.Errorf("after log-in: got %d", r.StatusCode)
	}
	if r := s.post(c, "/logout", nil); r.StatusCode != http.StatusSeeOther {
		t.Errorf("log out: got %d", r.StatusCode)
	}
	if r := s.get(c, "/"); r.StatusCode != http.StatusSeeOther {
		t.Errorf("after log-out: got %d, want 303", r.StatusCode)
	}
	for _, action := range []string{"login", "login-failed", "logout"} {
		if !s.saw(action) {
			t.Errorf("the trail has no %s", action)
		}
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	s := newSite(t, withUsers(t))
	c := s.visitorClient()
	var got []int
	for range freeTries + 1 {
		got = append(got, s.post(c, "/login", url.Values{"name": {"u-staff"}, "password": {"guess"}}).StatusCode)
	}
	if got[freeTries-1] != http.StatusUnauthorized || got[freeTries] != http.StatusTooManyRequests {
		t.Errorf("six guesses: got %v, want five 401 and then 429", got)
	}
}

func TestThrottleForgetsAndIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	th := newThrottle()
	for range 30 {
		th.failed(now, "a")
	}
	if got := th.wait(now, "a"); got != longestWait {
		t.Errorf("after 30 failures: got %v, want %v", got, longestWait)
	}
	if got := th.wait(now.Add(forgetAfter+time.Second), "a"); got != 0 {
		t.Errorf("after a quiet time: got %v, want 0", got)
	}
	for i := range maxKeys + 5 {
		th.failed(now.Add(time.Duration(i)), digest(time.Duration(i).String()))
	}
	if len(th.keys) > maxKeys {
		t.Errorf("keys: got %d, want at most %d", len(th.keys), maxKeys)
	}
}

func TestAnotherSiteCannotPost(t *testing.T) {
	s := newSite(t, nil)
	s.park()
	for name, header := range map[string][2]string{"fetch metadata": {"Sec-Fetch-Site", "cross-site"}, "origin": {"Origin", "http://elsewhere.example"}} {
		for _, path := range []string{"/parked/1/release", "/desk/scan", "/messages/1/show", "/api/v1/parked/1/release", "/api/v1/desk/scan", "/login"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(header[0], header[1])
			if got := s.do(s.visitorClient(), r); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s: POST %s: got %d, want 403", name, path, got.StatusCode)
			}
		}
	}
	if items, err := s.store.Parked(t.Context(), 10); err != nil || len(items) != 1 {
		t.Errorf("parked: got %d, want 1: something was done", len(items))
	}
}

func TestForeignHostNameIsRefused(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Hosts = []string{"rorpost.example"} })
	for host, want := range map[string]int{"evil.example": 421, "127.0.0.1.evil.example": 421, "localhost": 200,
		"localhost:8080": 200, "127.0.0.1": 200, "[::1]:80": 200, "rorpost.example": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.http.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if got := s.do(s.visitorClient(), r); got.StatusCode != want {
			t.Errorf("host %s: got %d, want %d", host, got.StatusCode, want)
		}
	}
}

func TestWithoutUsersOnlyLoopbackIsAnswered(t *testing.T) {
	s := newSite(t, nil)
	ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8080})
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	s.web.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("from the network: got %d, want 403", w.Code)
	}
}

func TestFormsAreBounded(t *testing.T) {
	s := newSite(t, nil)
	big := url.Values{"text": {strings.Repeat("1", maxForm)}}
	if r := s.post(s.visitorClient(), "/desk/scan", big); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a big form: got %d, want 422", r.StatusCode)
	}
	if len(s.desk.got) != 0 {
		t.Error("the big form reached the desk")
	}
}

func TestPasswords(t *testing.T) {
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := HashPassword("correct horse")
	if hash == again {
		t.Error("two hashes of one password are the same: there is no salt")
	}
	if !CheckPassword(hash, "correct horse") || CheckPassword(hash, "Correct horse") || CheckPassword(hash, "") {
		t.Error("the check is wrong")
	}
	for _, wrong := range []string{"", "x", "$argon2i$v=19$m=19456,t=2,p=1$aaaa$aaaa", "$argon2id$v=19$m=99999999,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5",
		"$argon2id$v=19$m=19456,t=0,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5", strings.TrimSuffix(hash, hash[len(hash)-30:])} {
		if CheckPassword(wrong, "correct horse") {
			t.Errorf("%q accepts a password", wrong)
		}
	}
	if _, err := HashPassword(""); err == nil {
		t.Error("an empty password was hashed")
	}
}
