// Package web is what people and programs see of one gateway: pages for the nurse at the desk and for the engineer of
// the laboratory, JSON under /api/v1/, and a live stream of events.
//
// Each page answers one question, and its title is that question:
//
//	/          Is everything flowing?
//	/desk      What is ordered for this person?
//	/parked    What waits for a person?
//	/messages  What came in and where did it go?
//	/devices   Are the devices talking?
//
// The server renders everything; a few lines of script listen to /api/v1/events, fetch the same page again and put the
// new parts in place. Without script a page reloads itself. Nothing is loaded from elsewhere.
//
// The smallest use:
//
//	srv, err := web.New(web.Options{Store: st, Audit: trail, Unit: "SE2321000016-15CX"})
//	…
//	hs := &http.Server{Handler: srv.Handler()}
//	hs.RegisterOnShutdown(srv.Close) // Ends the live streams, which would otherwise hold the shutdown up.
//
// and the store's OnEvent calls [Server.Publish].
//
// Identity: a person's number and name are on the desk page, and in a message body after "show" has been pressed,
// and nowhere else: no URL, title, log line or error. Both are written to the audit trail before they are shown; when
// the trail cannot be written, nothing is shown.
//
// Without users nobody logs in, and only connections on a loopback address are answered.
//
// It does not terminate TLS and does not listen: the caller owns the http.Server.
package web
