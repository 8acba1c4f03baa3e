package outbox

import (
	"fmt"
	"testing"

	"rorpost/hl7"
)

// BenchmarkLane pays deliveries of about 1.5 KB, that are owed already, over loopback: one operation is one delivery,
// sent, answered and recorded on disk.
func BenchmarkLane(b *testing.B) {
	for _, lanes := range []int{1, 8} {
		b.Run(fmt.Sprint("workers=", lanes), func(b *testing.B) {
			bench, j := newBench(b), newJournal(b, always(hl7.AA))
			word := fmt.Sprintf("%01400d", 0)
			var last [32]string
			for i := range b.N {
				last[i%32] = bench.owe("journal", fmt.Sprint(i%32), oru(word))
			}
			cfg := to(j)
			if lanes > 1 {
				cfg.OrderBy, cfg.Lanes = "patient", lanes
			}
			b.ResetTimer()
			o := bench.run(Options{}, cfg)
			until(b, "all are delivered", func() bool { return o.Status()[0].Delivered == uint64(b.N) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}
