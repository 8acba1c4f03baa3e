package devices

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

//go:embed profiles/*.toml
var files embed.FS

// Profile is one model of device.
type Profile struct {
	Name     string `toml:"name"` // The file's name without ".toml".
	Maker    string `toml:"maker"`
	Model    string `toml:"model"`
	About    string `toml:"about"`    // What a person who connects it must know.
	Kind     string `toml:"kind"`     // "analyzer".
	Protocol string `toml:"protocol"` // "astm".
	Line     Line   `toml:"line"`
	Dialect  Quirks `toml:"dialect"`

	Specimen    []string             `toml:"specimen"`     // Paths tried in turn for the specimen id.
	Patient     []string             `toml:"patient"`      // Paths tried in turn for the patient's number; none: the device sends none that can be trusted.
	Code        []string             `toml:"code"`         // Paths in R tried in turn for the local code; default.
	ValuePath   []string             `toml:"value"`        // Paths in R tried in turn for the value; default R-4.
	Trim        string               `toml:"trim"`         // Characters taken off both ends of ids, values, units and flags.
	Codes       map[string]CodeEntry `toml:"codes"`        // By local code.
	Units       map[string]string    `toml:"units"`        // The same unit written another way; never a conversion.
	Placeholder []string             `toml:"placeholder"`  // Values that mean that there is none.
	QC          []Rule               `toml:"qc"`           // Any of them makes it quality control.
	EmptyStatus string               `toml:"empty_status"` // What an empty R-9 means; default "F".
	Statuses    map[string]string    `toml:"statuses"`     // R-9 where the model means something of its own, as HL7 table 0085.
	Zone        string               `toml:"zone"`         // Time zone of the device's clock; default: where the gateway stands.

	zone *time.Location
}

// Line is how a serial line is set.
type Line struct {
	Baud int    `toml:"baud"` // Bits per second.
	Mode string `toml:"mode"` // Data bits, parity, stop bits: "8N1".
}

// CodeEntry says what a local code means. Without a Code it stays the device's own.
type CodeEntry struct {
	Code   string `toml:"code"`
	Text   string `toml:"text"`
	System string `toml:"system"` // "NPU", or "L" for the device's own.
	Unit   string `toml:"unit"`   // The code holds for results in this unit only; "": for any.
}

// Rule is one mark of quality control: a path and what it holds. One of Equals and Prefix is given.
type Rule struct {
	Path   string `toml:"path"`
	Equals string `toml:"equals"`
	Prefix string `toml:"prefix"`
}

// ProfileError is a mistake in a profile.
type ProfileError struct {
	File   string
	Line   int // 0 when the mistake is in no one line.
	Reason string
}

func (e *ProfileError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("profile %s, line %d: %s", e.File, e.Line, e.Reason)
	}
	return fmt.Sprintf("profile %s: %s", e.File, e.Reason)
}

// Names lists the models that are built in.
func Names() []string {
	entries, err := files.ReadDir("profiles")
	if err != nil {
		panic("devices: the embedded profiles cannot be listed: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return names
}

// Load returns a built-in profile. The error names those that there are.
func Load(name string) (*Profile, error) {
	b, err := files.ReadFile("profiles/" + name + ".toml")
	if err != nil {
		return nil, fmt.Errorf("no profile is called %.60q; there are %s", name, strings.Join(Names(), ", "))
	}
	return ParseProfile(name+".toml", b)
}

// ParseProfile reads a profile strictly: an unknown key is an error. The error is a [*ProfileError].
func ParseProfile(file string, b []byte) (*Profile, error) {
	p := &Profile{
		Kind: "analyzer", Protocol: "astm", Line: Line{Baud: 9600, Mode: "8N1"},
		Code: []string{"R-3.4"}, ValuePath: []string{"R-4"}, EmptyStatus: "F",
	}
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, syntax(file, err)
	}
	if reason := p.check(file); reason != "" {
		return nil, &ProfileError{File: file, Reason: reason}
	}
	if p.Zone != "" {
		zone, err := time.LoadLocation(p.Zone)
		if err != nil {
			return nil, &ProfileError{File: file, Reason: fmt.Sprintf("zone %q is no time zone", p.Zone)}
		}
		p.zone = zone
	}
	return p, nil
}

func syntax(file string, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		line, _ := unknown.Errors[0].Position()
		return &ProfileError{File: file, Line: line, Reason: "unknown key " + strings.Join(unknown.Errors[0].Key(), ".")}
	}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ := at.Position()
		return &ProfileError{File: file, Line: line, Reason: at.Error()}
	}
	return &ProfileError{File: file, Reason: err.Error()}
}

var (
	shapePath = regexp.MustCompile(`^[HPORQCLMS]-([1-9]\d?)(\.[1-9]\d?)?$`)
	shapeMode = regexp.MustCompile(`^[78][NEO][12]$`)
	shapeName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// check returns what is wrong, or "".
func (p *Profile) check(file string) string {
	base := file[strings.LastIndexAny(file, `/\`)+1:]
	switch {
	case !shapeName.MatchString(p.Name):
		return "name must be small letters, digits and dashes"
	case p.Name+".toml" != base:
		return fmt.Sprintf("name %q is not the file's", p.Name)
	case p.Maker == "" || p.Model == "":
		return "maker and model must be given"
	case p.Kind != "analyzer":
		return fmt.Sprintf("kind %q is not one of analyzer", p.Kind)
	case p.Protocol != "astm":
		return fmt.Sprintf("protocol %q is not one of astm", p.Protocol)
	case p.Line.Baud < 300 || p.Line.Baud > 921600:
		return "line.baud must be 300 to 921600"
	case !shapeMode.MatchString(p.Line.Mode):
		return fmt.Sprintf("line.mode %q is not like 8N1", p.Line.Mode)
	case p.Dialect.check() != "":
		return p.Dialect.check()
	case len(p.Specimen) == 0:
		return "specimen must name at least one path"
	case !slices.Contains([]string{"F", "P"}, p.EmptyStatus):
		return fmt.Sprintf("empty_status %q is not one of F, P", p.EmptyStatus)
	}
	return p.checkTables()
}

func (p *Profile) checkTables() string {
	for key, paths := range map[string][]string{"specimen": p.Specimen, "patient": p.Patient, "code": p.Code, "value": p.ValuePath} {
		for _, path := range paths {
			if !shapePath.MatchString(path) {
				return fmt.Sprintf("%s: %q is not a path like O-3.1", key, path)
			}
			if (key == "code" || key == "value") && path[0] != 'R' {
				return fmt.Sprintf("%s: %q is not in the result record", key, path)
			}
		}
	}
	for i, r := range p.QC {
		if !shapePath.MatchString(r.Path) || (r.Equals == "") == (r.Prefix == "") {
			return fmt.Sprintf("qc rule %d must have a path and one of equals, prefix", i+1)
		}
	}
	for from, to := range p.Statuses {
		if !slices.Contains([]string{"F", "P", "C", "X", "I", "R"}, to) {
			return fmt.Sprintf("statuses.%s: %q is not one of F, P, C, X, I, R", from, to)
		}
	}
	for local, c := range p.Codes {
		if (c.Code == "") != (c.System == "") {
			return fmt.Sprintf("codes.%s: code and system go together", local)
		}
	}
	return ""
}
