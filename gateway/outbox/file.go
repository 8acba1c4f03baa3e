package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rorpost/gateway/store"
)

// fileCourier writes each delivery to a file of its own. The name holds the delivery's number, so that names sort in
// the order of the lane, and its key, so that a repetition replaces its own file by the same bytes.
type fileCourier struct {
	dir string
	ok  bool
}

func newFile(cfg Config) (func() courier, error) {
	dir := strings.TrimPrefix(cfg.Address, "file://")
	if !filepath.IsAbs(dir) {
		return nil, errors.New("the address of a file destination is the full path of a folder")
	}
	return func() courier { return &fileCourier{dir: dir} }, nil
}

func (c *fileCourier) carry(_ context.Context, d store.Delivery) verdict {
	err := c.write(fileName(d), d.Payload)
	c.ok = err == nil
	return classifyFile(err)
}

// classifyFile says what a write came to: a folder that cannot be written is as good as a peer that is down.
func classifyFile(err error) verdict {
	if err != nil {
		return verdict{
			class: store.ClassRetry, down: true, detail: "cannot be written: " + err.Error(),
			hint: "check that the folder exists, has room and may be written by the gateway",
		}
	}
	return verdict{class: store.ClassDelivered, detail: "written"}
}

func fileName(d store.Delivery) string {
	ext := ".txt"
	switch {
	case bytes.HasPrefix(d.Payload, []byte("MSH")):
		ext = ".hl7"
	case bytes.HasPrefix(d.Payload, []byte("{")):
		ext = ".json"
	}
	return fmt.Sprintf("%012d-%s%s", d.ID, d.Key, ext)
}

// write makes the file appear with all of its bytes on disk, or not at all.
func (c *fileCourier) write(name string, data []byte) (err error) {
	f, err := os.CreateTemp(c.dir, ".rorpost-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(c.dir, name)); err != nil {
		return err
	}
	return syncDir(c.dir)
}

// syncDir makes the new name itself durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// probe looks whether the folder is there.
func (c *fileCourier) probe(context.Context) error {
	info, err := os.Stat(c.dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", c.dir)
	}
	c.ok = err == nil
	return err
}

func (c *fileCourier) connected() bool { return c.ok }
func (c *fileCourier) close()          {}
