package store

import (
	"context"
	"time"
)

type Store struct{}
type Session struct{}

func Open(ctx context.Context, dir string, o Options) (*Store, error)   { panic("soon") }
func (s *Store) Run(ctx context.Context) error                          { panic("soon") }
func (s *Store) Close() error                                           { panic("soon") }
func (s *Store) Epoch() string                                          { panic("soon") }
func (s *Store) Healthy() error                                         { panic("soon") }
func (s *Store) Accept(ctx context.Context, a Arrival) (Receipt, error) { panic("soon") }
func (s *Store) Begin(source, peer string) *Session                     { panic("soon") }
func (x *Session) Keep(ctx context.Context, frame []byte) error         { panic("soon") }
func (x *Session) Seal(ctx context.Context, control string, complete bool) (Receipt, error) {
	panic("soon")
}
func (s *Store) Unsettled(ctx context.Context) ([]Arrival, error)              { panic("soon") }
func (s *Store) Key(arrival int64, decision, destination string, n int) string { panic("soon") }
func (s *Store) Settle(ctx context.Context, t Settlement) ([]Delivery, error)  { panic("soon") }
func (s *Store) Owed(ctx context.Context, destination string, after int64, limit int) ([]Delivery, error) {
	panic("soon")
}
func (s *Store) Record(ctx context.Context, o Outcome) ([]Delivery, error)           { panic("soon") }
func (s *Store) Binding(ctx context.Context, specimen string) (Binding, bool, error) { panic("soon") }
func (s *Store) OrderBindings(ctx context.Context, order string) ([]Binding, error)  { panic("soon") }
func (s *Store) Revision(ctx context.Context, key string) (Revision, bool, error)    { panic("soon") }
func (s *Store) DeskState(ctx context.Context, name string) ([]byte, error)          { panic("soon") }
func (s *Store) Parked(ctx context.Context, limit int) ([]ParkedItem, error)         { panic("soon") }
func (s *Store) AllParked(ctx context.Context) ([]ParkedItem, error)                 { panic("soon") }
func (s *Store) Resolve(ctx context.Context, r Resolution) (Released, error)         { panic("soon") }
func (s *Store) Arrivals(ctx context.Context, q Query) ([]ArrivalRow, error)         { panic("soon") }
func (s *Store) Arrival(ctx context.Context, id int64) (ArrivalDetail, error)        { panic("soon") }
func (s *Store) Counts(ctx context.Context) (Counts, error)                          { panic("soon") }
func (s *Store) Blind(value string) string                                           { panic("soon") }
func (s *Store) Prune(ctx context.Context, before time.Time, max int) (int, error)   { panic("soon") }
func (s *Store) Backup(ctx context.Context, dir string) error                        { panic("soon") }
