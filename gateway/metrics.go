package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rorpost/gateway/intake"
)

// metrics serves this gateway's own registry. No label names a person or a message.
func (g *Gateway) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), gauges{g})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// gauges reads the store and the rooms when Prometheus asks.
type gauges struct{ g *Gateway }

var (
	arrivals  = prometheus.NewDesc("rorpost_arrivals_total", "Arrivals kept since the store began.", []string{"kind"}, nil)
	parked    = prometheus.NewDesc("rorpost_parked", "Things that wait for a person.", nil, nil)
	unsettled = prometheus.NewDesc("rorpost_unsettled", "Arrivals kept and not decided.", nil, nil)
	owed      = prometheus.NewDesc("rorpost_deliveries", "Deliveries by state.", []string{"destination", "state"}, nil)
	oldest    = prometheus.NewDesc("rorpost_oldest_owed_seconds", "Age of the oldest delivery that is owed.", []string{"destination"}, nil)
	wal       = prometheus.NewDesc("rorpost_store_wal_bytes", "Size of the write-ahead log.", nil, nil)
	healthy   = prometheus.NewDesc("rorpost_store_healthy", "1 while the store acknowledges.", nil, nil)
	device    = prometheus.NewDesc("rorpost_device_up", "1 while the device or listener is open or better.", []string{"name", "kind"}, nil)
	connected = prometheus.NewDesc("rorpost_link_connected", "1 while the link is connected.", []string{"destination"}, nil)
)

// Describe lists the metrics.
func (gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{arrivals, parked, unsettled, owed, oldest, wal, healthy, device, connected} {
		ch <- d
	}
}

// Collect reads them.
func (x gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(healthy, flag(x.g.store.Healthy() == nil))
	for _, s := range x.g.devices() {
		gauge(device, flag(s.State != intake.StateDown), s.Name, s.Kind)
	}
	for _, l := range x.g.links() {
		gauge(connected, flag(l.Connected), l.Name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := x.g.store.Counts(ctx)
	if err != nil {
		return
	}
	for kind, n := range c.Arrivals {
		ch <- prometheus.MustNewConstMetric(arrivals, prometheus.CounterValue, float64(n), string(kind))
	}
	gauge(parked, float64(c.ParkedOpen))
	gauge(unsettled, float64(c.Kept))
	gauge(wal, float64(c.WAL))
	for destination, states := range c.Deliveries {
		for state, n := range states {
			gauge(owed, float64(n), destination, state)
		}
	}
	for destination, since := range c.Oldest {
		gauge(oldest, time.Since(since).Seconds(), destination)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
