// Package devices holds the models of analyzers that can be connected, as data: one TOML file each in profiles,
// describing how the model writes LIS02-A2 records and where it leaves the standard. Adding a model needs no code.
//
//	p, err := devices.Load("siemens-dca-vantage")
//	id := p.SpecimenID(patient, order)
//
// A profile says where the specimen id and the code stand, which code of the laboratory world a local code means
// (only where the unit agrees, since a value is never converted), what marks quality control, and what stands for
// "no value". Paths are LIS02-A2's field numbers after the record's letter: "O-3.1" is the first component of the
// order record's specimen id.
//
// Every profile has beside it, in testdata, a session as the model sends it and what must be read from it; a
// profile without them fails the tests. What a profile's author did not see on a wire or in the maker's document
// is marked in its comments as general knowledge, to be tried against the device before it is trusted.
package devices
