package config

import (
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// place is where something stands in the file, and what kind of value it has.
type place struct {
	line, column int
	kind         unstable.Kind // 0 for a table.
}

// places finds every key and list item of a document: "store.dir", "device[1].port", "route[0].to[1]". A table stands
// where its header does.
type places struct {
	parser unstable.Parser
	at     map[string]place
	counts map[string]int // Items of each list of tables so far.
}

// locate reads a document that TOML has accepted; of any other it finds what stands before the mistake.
func locate(document []byte) map[string]place {
	p := &places{at: map[string]place{}, counts: map[string]int{}}
	p.parser.Reset(document)
	table := ""
	for p.parser.NextExpression() {
		switch e := p.parser.Expression(); e.Kind {
		case unstable.Table:
			table = p.header(e, false)
		case unstable.ArrayTable:
			table = p.header(e, true)
		case unstable.KeyValue:
			p.pair(table, e)
		}
	}
	return p.at
}

// header enters [a.b] or [[a]] and returns its path. Inside a list, its last item is meant.
func (p *places) header(e *unstable.Node, list bool) string {
	path, raw := "", ""
	var where place
	for it := e.Key(); it.Next(); {
		if where == (place{}) {
			where = p.place(it.Node())
		}
		raw = join(raw, string(it.Node().Data))
		path = join(path, string(it.Node().Data))
		if it.IsLast() && list {
			p.counts[raw]++
		}
		if n := p.counts[raw]; n > 0 {
			path = at(path, n-1)
		}
	}
	p.at[path] = where
	return path
}

func (p *places) pair(table string, e *unstable.Node) {
	path := table
	var where place
	for it := e.Key(); it.Next(); {
		path = join(path, string(it.Node().Data))
		where = p.place(it.Node())
	}
	where.kind = e.Value().Kind
	p.at[path] = where
	p.value(path, e.Value(), where)
}

func (p *places) value(path string, v *unstable.Node, key place) {
	switch v.Kind {
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			p.pair(path, it.Node())
		}
	case unstable.Array:
		i := 0
		for it := v.Children(); it.Next(); {
			where := key
			if it.Node().Raw.Length > 0 {
				where = p.place(it.Node())
			}
			where.kind = it.Node().Kind
			p.at[at(path, i)] = where
			p.value(at(path, i), it.Node(), where)
			i++
		}
	}
}

func (p *places) place(n *unstable.Node) place {
	before := p.parser.Data()[:n.Raw.Offset]
	line := strings.Count(string(before), "\n")
	return place{line: line + 1, column: len(before) - strings.LastIndex(string(before), "\n")}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// at is the path of a list's i-th item, from 0.
func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
