package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

const benchBody = 1500 // Bytes of one message.

// BenchmarkAcceptSettle keeps a message durably, then settles it durably with two deliveries owed and six search keys.
// floor is the same traffic against a bare file: two group commits of the same bytes for each message.
func BenchmarkAcceptSettle(b *testing.B) {
	for _, producers := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("store/%d", producers), func(b *testing.B) { benchStore(b, producers) })
		b.Run(fmt.Sprintf("floor/%d", producers), func(b *testing.B) { benchFloor(b, producers) })
	}
}

// produce runs one(i) for every i of the benchmark from the given number of goroutines.
func produce(b *testing.B, producers int, one func(i int64) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range producers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := one(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func benchStore(b *testing.B, producers int) {
	dir := b.TempDir()
	s, stop := start(b, dir, Options{})
	produce(b, producers, func(i int64) error { return benchMessage(b, s, i) })
	wal, _ := os.Stat(filepath.Join(dir, truthFile+"-wal"))
	walSize := wal.Size()
	stop()
	var total int64
	for _, name := range []string{truthFile, searchFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			total += info.Size()
		}
	}
	b.ReportMetric(float64(total)/float64(b.N), "disk-B/msg")
	b.ReportMetric(float64(walSize)/(1<<20), "wal-MiB")
}

func benchMessage(b *testing.B, s *Store, i int64) error {
	body := bytes.Repeat([]byte{byte(i)}, benchBody)
	control := fmt.Sprintf("C%09d", i)
	r, err := s.Accept(b.Context(), Arrival{Kind: KindMLLP, Source: "answers", Peer: "10.0.0.1:4242", Control: control, Body: body})
	if err != nil {
		return err
	}
	id := r.Arrival.ID
	other := bytes.Repeat([]byte{byte(i + 1)}, benchBody)
	_, err = s.Settle(b.Context(), Settlement{
		Arrival: id, Decision: "result", Rule: "results to both", Reply: body[:120],
		Owed: []Owed{
			{Key: s.Key(id, "result", "journal", 0), Destination: "journal", Kind: "result", Subject: control, Label: "HbA1c", Payload: body},
			{Key: s.Key(id, "result", "patient", 0), Destination: "patient", Kind: "result", Subject: control, Label: "HbA1c", Payload: other},
		},
		Keys: []SearchKey{{"specimen", control + "S"}, {"order", control + "O"}, {"person", fmt.Sprint(i % 5000)},
			{"control", control}, {"code", "NPU27300"}, {"filler", control + "F"}},
	})
	return err
}

// benchFloor is what the disk can do: one writer, groups of whatever waits, one fdatasync for each.
func benchFloor(b *testing.B, producers int) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var q queue
	q.init(256)
	go func() {
		var buffer []byte
		for {
			group := q.gather(b.Context(), 0, 0, 0)
			if group == nil {
				return
			}
			buffer = buffer[:0]
			for _, o := range group {
				buffer = append(buffer, make([]byte, o.size)...)
			}
			f.Write(buffer)
			if err := datasync(f); err != nil {
				b.Error(err)
			}
			for _, o := range group {
				close(o.done)
			}
		}
	}()
	produce(b, producers, func(int64) error {
		for _, size := range []int{benchBody, 2 * benchBody} {
			o := newOp(size, nil)
			q.put(o)
			<-o.done
		}
		return nil
	})
}
