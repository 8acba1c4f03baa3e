//go:build unix

package audit

import "os"

// syncDir makes the names of new files durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
