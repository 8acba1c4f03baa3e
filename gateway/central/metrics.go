package central

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func newMeters(c *Central) meters {
	m := meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rorpost_central_requests_total", Help: "Requests by route and status."}, []string{"route", "code"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rorpost_central_request_seconds", Help: "Time to answer.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}, []string{"route"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.seconds, gauges{c})
	return m
}

// count labels by the pattern of a route, never by a path.
func (m meters) count(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

func (m meters) handler() http.HandlerFunc {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).ServeHTTP
}

// gauges reads the store when Prometheus asks.
type gauges struct{ c *Central }

var (
	ordersGauge  = prometheus.NewDesc("rorpost_central_orders", "Orders by status.", []string{"status"}, nil)
	waitingGauge = prometheus.NewDesc("rorpost_central_queue_depth", "Patient results that are not acknowledged.", nil, nil)
	leasedGauge  = prometheus.NewDesc("rorpost_central_queue_leased", "Of those, in a consumer's hands.", nil, nil)
	oldestGauge  = prometheus.NewDesc("rorpost_central_queue_oldest_seconds", "Age of the oldest patient result that waits; 0 for none.", nil, nil)
	doneGauge    = prometheus.NewDesc("rorpost_central_queue_acknowledged_total", "Patient results acknowledged since the store began.", nil, nil)
	unitGauge    = prometheus.NewDesc("rorpost_central_unit_silent_seconds", "Time since a unit was last heard of.", []string{"unit"}, nil)
)

// Describe lists the metrics.
func (gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ordersGauge, waitingGauge, leasedGauge, oldestGauge, doneGauge, unitGauge} {
		ch <- d
	}
}

// Collect reads them. A store that cannot answer makes the scrape incomplete, and says so in it.
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := time.Now()
	stats, err := g.c.store.Stats(ctx, now)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(ordersGauge, err)
		return
	}
	for status, n := range stats.Orders {
		ch <- prometheus.MustNewConstMetric(ordersGauge, prometheus.GaugeValue, float64(n), string(status))
	}
	ch <- prometheus.MustNewConstMetric(waitingGauge, prometheus.GaugeValue, float64(stats.Waiting))
	ch <- prometheus.MustNewConstMetric(leasedGauge, prometheus.GaugeValue, float64(stats.Leased))
	ch <- prometheus.MustNewConstMetric(oldestGauge, prometheus.GaugeValue, age(stats.Oldest, now).Seconds())
	ch <- prometheus.MustNewConstMetric(doneGauge, prometheus.CounterValue, float64(stats.Acknowledged))
	units, err := g.c.store.Units(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(unitGauge, err)
		return
	}
	for _, u := range units {
		ch <- prometheus.MustNewConstMetric(unitGauge, prometheus.GaugeValue, age(u.Seen, now).Seconds(), u.ID)
	}
}

// age is how long ago t was; none for the zero time.
func age(t, now time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t))
}

// meters count requests. They belong to one centre and one registry.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}
