package central_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"rorpost/gateway/central"
)

// A unit asks for a claim on an order that does not exist.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "centre")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c, err := central.New(central.Config{Dir: dir, Listen: "127.0.0.1:8090"})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	s := httptest.NewServer(c.Handler()) // A program calls c.Run instead.
	defer s.Close()

	req, err := http.NewRequest("POST", s.URL+"/v1/orders/O1/claim", strings.NewReader(`{"unit":"SE2321000016-15CX","collection":"1"}`))
	if err != nil {
		log.Fatal(err)
	}
	req.Header.Set("X-Rorpost-Unit", "SE2321000016-15CX")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(res.StatusCode, " ", string(body))
	// Output: 404 {"error":"there is no such order","hint":"check the order id; it may belong to another order store"}
}
