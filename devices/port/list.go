package port

import (
	"fmt"
	"path/filepath"
	"slices"

	"go.bug.st/serial"
)

// Info is a serial port of this machine.
type Info struct {
	Name    string   `json:"name"`              // As "/dev/ttyUSB0" or "COM3".
	Aliases []string `json:"aliases,omitempty"` // Names that stay the same when it is plugged in again, on Linux.
}

// Spec is the specification of the port, by its most lasting name.
func (i Info) Spec() string {
	name := i.Name
	if len(i.Aliases) > 0 {
		name = i.Aliases[0]
	}
	return "serial:" + name
}

// aliases are where Linux keeps lasting names: by serial number, and by socket.
var aliases = []string{"/dev/serial/by-id/*", "/dev/serial/by-path/*"}

// List finds the serial ports of this machine. It opens each of them for a moment: do not call it while one is in use.
func List() ([]Info, error) {
	names, err := serial.GetPortsList()
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	slices.Sort(names)
	var out []Info
	for _, name := range names {
		i := Info{Name: name}
		for _, pattern := range aliases {
			links, _ := filepath.Glob(pattern)
			for _, link := range links {
				if real, err := filepath.EvalSymlinks(link); err == nil && real == name {
					i.Aliases = append(i.Aliases, link)
				}
			}
		}
		out = append(out, i)
	}
	return out, nil
}
