package main

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"rorpost/gateway/sim"
	"rorpost/gateway/web"
)

//go:embed demo.toml.tmpl
var demoGateway string

//go:embed demo_central.toml.tmpl
var demoCentral string

type demoFlags struct {
	seed      uint64
	speed     float64
	exitAfter time.Duration
	patients  int
	json      bool
	listen    string
	login     bool
	dir       string
}

func newDemoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "run everything on this machine, with simulated peers",
		Long: `Starts one gateway and one centre as processes of their own, and around them a clinic, a scanner, two
analyzers, a laboratory, a journal and a consumer of the patient queue, each reached only over its protocol.
Some of them fail on purpose. Ends on Ctrl-C, or after --exit-after, and says what was lost: nothing.

Exit status 1 when anything was lost, doubled, or still owed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), cmd.OutOrStdout(), f) },
	}
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "which patients, orders and failures")
	cmd.Flags().Float64Var(&f.speed, "speed", 0, "patients a second (default 1, and 4 with --exit-after or --patients)")
	cmd.Flags().DurationVar(&f.exitAfter, "exit-after", 0, "end by itself after this time, at least 10s")
	cmd.Flags().IntVar(&f.patients, "patients", 0, "end by itself after this many patients")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the account as JSON")
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8080", "address of the gateway's pages; another port is taken when it is in use")
	cmd.Flags().BoolVar(&f.login, "login", false, "ask for a log-in, with a password made for this run")
	cmd.Flags().StringVar(&f.dir, "dir", "", "keep the data in this folder (default: a temporary one, removed at the end)")
	return cmd
}

// drain is how long before its end a bounded demo lets no more patients in; patience is how long any other waits for what
// is under way.
const (
	drain    = 7 * time.Second
	patience = 30 * time.Second
)

func runDemo(ctx context.Context, out io.Writer, f demoFlags) error {
	if f.exitAfter != 0 && f.exitAfter < 10*time.Second {
		return usageError{errors.New("--exit-after must be at least 10s: what is under way has to arrive")}
	}
	d, err := newDemo(f)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.start(ctx); err != nil {
		return err
	}
	if !f.json {
		d.greet(out)
	}
	d.live(ctx)
	report := d.account()
	stopErr := d.stop()
	if err := report.print(out, f.json); err != nil {
		return err
	}
	if stopErr != nil {
		return stopErr
	}
	return report.verdict()
}

// demo is the two children, their files, and the world around them.
type demo struct {
	flags    demoFlags
	program  string
	dir      string
	places   demoPlaces
	password string
	world    *sim.World
	central  *child
	gateway  *child
	api      *sim.Web
	began    time.Time
	ready    time.Duration // From the start of the gateway's process until it answered.
	idle     int64         // Bytes of resident memory before the first patient.
	problems []string
}

// demoPlaces fills the configuration templates.
type demoPlaces struct {
	Dir, Web, Central, Answers, Analyzer string
	Scanner, Serial, Lab, Journal, User  string
}

func newDemo(f demoFlags) (*demo, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	d := &demo{flags: f, program: program, dir: f.dir, began: time.Now()}
	if d.dir == "" {
		d.dir, err = os.MkdirTemp("", "rorpost-demo-")
	} else {
		d.dir, err = filepath.Abs(d.dir)
	}
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"gateway", "central"} {
		if err := os.MkdirAll(filepath.Join(d.dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	if err := d.choose(); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	return d, nil
}

// choose picks addresses that are free now, and opens the peers' ends.
func (d *demo) choose() (err error) {
	p := &d.places
	p.Dir = filepath.ToSlash(d.dir)
	if p.Web, err = freeAddress(d.flags.listen); err != nil {
		return err
	}
	for a, wanted := range map[*string]string{&p.Central: "127.0.0.1:8090", &p.Answers: "127.0.0.1:0", &p.Analyzer: "127.0.0.1:0"} {
		if *a, err = freeAddress(wanted); err != nil {
			return err
		}
	}
	d.world, err = sim.NewWorld(d.flags.seed, sim.Places{Central: "http://" + p.Central, Answers: p.Answers, Analyzer: p.Analyzer})
	if err != nil {
		return err
	}
	p.Scanner, p.Serial = d.world.Scanner.Name, d.world.Serial.Name
	p.Lab, p.Journal = d.world.LabAddress(), d.world.JournalAddress()
	d.api = &sim.Web{Base: "http://" + p.Web}
	d.api.Client.Timeout = 5 * time.Second
	if !d.flags.login {
		return nil
	}
	d.password = rand.Text()[:12]
	p.User, err = web.HashPassword(d.password)
	return err
}

// freeAddress returns the wanted address when nobody listens there, else one with another port.
func freeAddress(wanted string) (string, error) {
	host, _, err := net.SplitHostPort(wanted)
	if err != nil {
		return "", usageError{fmt.Errorf("--listen %s: want an address such as 127.0.0.1:8080", wanted)}
	}
	for _, a := range []string{wanted, net.JoinHostPort(host, "0")} {
		if l, err := net.Listen("tcp", a); err == nil {
			defer l.Close()
			return l.Addr().String(), nil
		}
	}
	return "", fmt.Errorf("no free port on %s", host)
}

// start writes the configurations and brings up the centre, then the gateway.
func (d *demo) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	centralFile, err := d.write("central.toml", demoCentral)
	if err != nil {
		return err
	}
	gatewayFile, err := d.write("gateway.toml", demoGateway)
	if err != nil {
		return err
	}
	if d.central, err = startChild(d.program, "central", centralFile, d.dir); err != nil {
		return err
	}
	if _, err := d.central.ready(ctx, "http://"+d.places.Central+"/healthz"); err != nil {
		return err
	}
	if d.gateway, err = startChild(d.program, "serve", gatewayFile, d.dir); err != nil {
		return err
	}
	if d.ready, err = d.gateway.ready(ctx, "http://"+d.places.Web+"/readyz"); err != nil {
		return err
	}
	if err := pauseFor(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	d.idle = d.gateway.memory()
	return nil
}

func (d *demo) write(name, text string) (string, error) {
	t, err := template.New(name).Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d.places); err != nil {
		return "", err
	}
	path := filepath.Join(d.dir, name)
	return path, os.WriteFile(path, b.Bytes(), 0o600)
}

// live lets patients come until the demo's time is up or ctx ends, and then waits for what is under way.
func (d *demo) live(ctx context.Context) {
	peers, stopPeers := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- d.world.Run(peers) }()
	visits, stopVisits := context.WithCancel(ctx)
	defer stopVisits()
	end := time.Time{}
	if d.flags.exitAfter > 0 {
		end = d.began.Add(d.flags.exitAfter)
		timer := time.AfterFunc(time.Until(end.Add(-drain)), stopVisits)
		defer timer.Stop()
	}
	pace := sim.Pace{First: 1, Count: d.flags.patients, Every: d.interval()}
	d.world.Visits(visits, pace, func(err error) { d.problems = append(d.problems, err.Error()) })
	if end.IsZero() {
		end = time.Now().Add(patience)
	}
	d.settle(end.Add(-time.Second))
	stopPeers()
	if err := <-ended; err != nil {
		d.problems = append(d.problems, err.Error())
	}
}

func (d *demo) interval() time.Duration {
	speed := d.flags.speed
	switch {
	case speed > 0:
	case d.flags.exitAfter > 0, d.flags.patients > 0:
		speed = 4
	default:
		speed = 1
	}
	return time.Duration(float64(time.Second) / speed)
}

// settle waits until nothing is under way, or until the deadline.
func (d *demo) settle(deadline time.Time) {
	quiet := 0
	for time.Now().Before(deadline) && quiet < 3 {
		quiet++
		if !d.world.Idle() || d.owed() > 0 {
			quiet = 0
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (d *demo) stop() error {
	err := d.gateway.stop(15 * time.Second)
	err = errors.Join(err, d.central.stop(15*time.Second))
	d.gateway, d.central = nil, nil
	return err
}

// close ends whatever is still alive.
func (d *demo) close() {
	for _, c := range []*child{d.gateway, d.central} {
		if c != nil {
			c.kill()
		}
	}
	if d.world != nil {
		d.world.Close()
	}
	_ = d.remove()
}

// remove takes the temporary folder away; a folder that the user chose stays.
func (d *demo) remove() error {
	if d.flags.dir != "" {
		return nil
	}
	return os.RemoveAll(d.dir)
}

func pauseFor(ctx context.Context, t time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(t):
		return nil
	}
}
