package lab

import "time"

// Status is an observation's result status, HL7 table 0085.
type Status string

const (
	Preliminary Status = "P"
	Final       Status = "F"
	Correction  Status = "C"
	Cancel      Status = "X" // Cannot be obtained.
	Wrong       Status = "W" // Posted to the wrong patient: withdrawn.
	Delete      Status = "D"
	Unverified  Status = "R"
	InProcess   Status = "I"
	Described   Status = "O" // Order detail only.
	Scheduled   Status = "S"
)

// Observation is one value as the sender wrote it. Nothing in it is recomputed, rounded or converted.
type Observation struct {
	Code     Code      `json:"code"`
	Sub      string    `json:"sub,omitempty"` // OBX-4.
	Type     string    `json:"type"`          // OBX-2: NM, SN, ST, TX, CE, ED …
	Value    string    `json:"value"`         // The text of OBX-5 or R-4.
	Unit     string    `json:"unit,omitempty"`
	Range    string    `json:"range,omitempty"`
	Flags    []string  `json:"flags,omitempty"` // OBX-8, R-7.
	Status   Status    `json:"status"`
	Measured time.Time `json:"measured"` // OBX-14, R-13; zero when the sender did not say.
	Comments []string  `json:"comments,omitempty"`
}

// Report is what one message says about one specimen or one order.
type Report struct {
	Source   string // Name of the device or listener that it came through.
	Specimen string // Barcode; "" when the sender gave none.
	Placer   string // ORC-2/OBR-2 as the sender gave it; "" when absent.
	Filler   string // ORC-3/OBR-3.
	Group    string // ORC-4.
	Person   PersonID
	Test     Code
	Control  bool // Quality control: never a patient's.
	Observed []Observation
}
