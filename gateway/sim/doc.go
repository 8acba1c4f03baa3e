// Package sim is the other side of every cable: a clinic that orders, a nurse with a scanner, analyzers that speak
// ASTM, a laboratory and a journal that speak HL7 over MLLP, and a consumer of the patient results queue.
//
// Each is a peer that is reached only over its protocol, and each keeps its own record of what it saw in a [Ledger],
// so that what was lost or doubled is judged by the receivers and not by the gateway. They fail on demand, chosen by
// the number of the order ([FaultOf]), so that a run with the same seed fails in the same places.
//
// The patients carry personal numbers of the kind that the Swedish Tax Agency publishes for tests: a date between 1978
// and 2012 and the birth number 238 or 239.
package sim
