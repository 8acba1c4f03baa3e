// Package central is the other end of every unit: the order store, the patient results queue and the list of units,
// as one HTTP API over one embedded store.
//
//	c, err := central.New(central.Config{Dir: "/var/lib/rorpost", Listen: "127.0.0.1:8090"})
//	err = c.Run(ctx) // Listens, and stops in order when ctx ends.
//
// The API is JSON. Identity travels in bodies, never in a URL:
//
//	POST /v1/orders                          an order; the same id or Idempotency-Key twice is one order
//	POST /v1/orders/search                   {"person":{"oid","value"}} or {"specimen"} → {"orders":[…]}
//	POST /v1/orders/{id}/claim               {"unit","collection"} → the order, or 409
//	POST /v1/orders/{id}/collected           {"unit","collection","specimens"}
//	POST /v1/orders/{id}/sent                {"unit"}
//	POST /v1/orders/{id}/answered            {"status"}: partial, answered or corrected
//	POST /v1/orders/{id}/release             {"unit","collection"}
//	POST /v1/orders/{id}/cancel              {"reason"}
//	POST /v1/patient-results                 a result, with an Idempotency-Key
//	POST /v1/patient-results/lease           {"consumer","max","seconds"} → {"lease","items":[…]}
//	POST /v1/patient-results/ack  …/nack     {"lease","ids"}
//	POST /v1/units/{id}/status               what a unit says of itself
//	GET  /v1/units  /v1/stats  /metrics  /healthz  /readyz  /
//
// An error is {"error","hint"}; the hint is for the person at the desk. A status says what to do: 4xx is not worth
// repeating, 5xx and 429 are.
//
// An order is claimed by one conditional UPDATE, so that two units never hold it (P8). A claim is repeated freely by the
// same unit for the same collection; another collection of the same unit takes the claim over, since a desk that was
// left open must not lock the patient out. Reports may come late: what happened is recorded, and an order never moves
// backwards.
//
// Results are leased in the order of arrival, and a person's later result never overtakes an earlier one (P11). A
// coded or anonymous sample is refused: it must never reach a patient's page (P14).
//
// A peer is who its certificate says (common name). Only a peer on loopback is believed when it names itself in the
// header X-Rorpost-Unit, and only loopback is served without TLS.
//
// Personal numbers are in the bodies that are kept, and beside them only as keyed hashes: in no URL, log, metric, page
// or error. Whoever looks a person up is written to the audit trail before the answer is given (P9).
//
// What it does not do: it encrypts nothing (use an encrypted disk), and it never decides when a patient may see a
// result. One process owns a folder; several replicas need the PostgreSQL implementation of [Store].
package central
