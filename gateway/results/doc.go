// Package results turns what laboratories and analyzers say into reports, decides which order a report belongs to,
// applies the rules of result status, and writes ORU^R01 for the journal and JSON for the patient queue.
//
// It transports and does not judge: values, units, ranges, flags and texts pass through as they were written.
// A report attaches to an order by specimen id, and whatever identity it carries must agree with that order;
// a name is never looked at.
package results
