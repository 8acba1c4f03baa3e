package sim

// Fault is one way in which a peer fails for one order.
type Fault uint8

const (
	None           Fault = iota
	LabSaysAE            // The laboratory answers AE once, then AA.
	LabSaysAR            // The laboratory refuses the order for good.
	LabHangs             // The laboratory takes the order and does not answer the first time.
	WrongDigitScan       // The card is misread: one digit is wrong. The nurse scans again.
	StrangeTube          // The laboratory answers with a specimen id that nobody knows.
	WrongPatient         // The laboratory answers with somebody else's personal number.
	BadChecksum          // A frame on the serial line is damaged once.
	LinkDrops            // The journal's connection breaks after it has taken a result and before it has answered.
	CableDrops           // The TCP analyzer loses its connection in the middle of a message and sends it again.
)

// Faults are all of them.
var Faults = []Fault{LabSaysAE, LabSaysAR, LabHangs, WrongDigitScan, StrangeTube, WrongPatient, BadChecksum, LinkDrops, CableDrops}

func (f Fault) String() string {
	return [...]string{"none", "laboratory answers AE", "laboratory answers AR", "laboratory hangs", "wrong check digit",
		"unknown specimen id", "identity mismatch", "bad ASTM checksum", "journal link drops", "analyzer cable drops"}[f]
}

// AtSerial tells whether the fault needs a test on the serial analyzer.
func (f Fault) AtSerial() bool { return f == BadChecksum }

// AtTCP tells whether the fault needs a test on the TCP analyzer.
func (f Fault) AtTCP() bool { return f == CableDrops }

// FaultOf says how order n fails: every second of the first orders of a round of 36, so that a short run meets each.
func FaultOf(n int) Fault {
	if n%2 == 1 && n%36 < 2*len(Faults) {
		return Faults[n%36/2]
	}
	return None
}
