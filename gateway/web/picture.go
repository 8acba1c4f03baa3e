package web

import (
	"fmt"

	"rorpost/gateway/intake"
	"rorpost/gateway/outbox"
)

// Measures of the picture in CSS pixels. The style sheet gives a node the same height.
const (
	nodeHeight = 80 // A node and its margins.
	boxHeight  = 210
	tubeWidth  = 110
	tubeGap    = 15 // Between two tubes where they meet the box.
)

// picture is the tube post: what comes in, the box, what goes out.
type picture struct {
	Box               string
	Waiting, Parked   int64
	In, Out           []node
	InTubes, OutTubes tubes
}

// node is one end of a tube.
type node struct {
	Name, Glyph, What, State, Key string
	Level                         level
}

// tubes is one bundle of tubes between a column of nodes and the box.
type tubes struct {
	Width, Height int
	Tubes         []tube
}

type tube struct {
	Path, Key string
	Level     level
}

func draw(box string, devices []intake.Status, links []outbox.Status) picture {
	p := picture{Box: box}
	for _, st := range devices {
		d := deviceOf(st)
		p.In = append(p.In, node{d.Name, d.Glyph, joinWords(" · ", deviceKinds[st.Kind], st.Profile), d.State, "in:" + d.Name, d.Level})
	}
	for _, st := range links {
		d := linkOf(st)
		state := d.State
		if st.Waiting > 0 {
			state += fmt.Sprintf(", %d waiting", st.Waiting)
		}
		p.Out = append(p.Out, node{d.Name, d.Glyph, joinWords(" · ", served[st.Serves], st.Kind), state, "out:" + d.Name, d.Level})
	}
	height := max(nodeHeight*max(len(p.In), len(p.Out), 1), boxHeight)
	p.InTubes, p.OutTubes = bundle(p.In, height, false), bundle(p.Out, height, true)
	return p
}

// bundle draws a tube for each node. Columns and box are centred on the same line, so the arithmetic is the style
// sheet's. Capsules fly from the start of a path to its end: towards the box, or (out) away from it.
func bundle(nodes []node, height int, out bool) tubes {
	t := tubes{Width: tubeWidth, Height: height}
	top := float64(height-nodeHeight*len(nodes)) / 2
	gap := tubeGap
	if len(nodes) > 1 {
		gap = min(gap, (boxHeight-40)/(len(nodes)-1))
	}
	for i, n := range nodes {
		far := top + nodeHeight*(float64(i)+.5)
		near := float64(height)/2 + float64(gap)*(float64(i)-float64(len(nodes)-1)/2)
		from, to := far, near
		if out {
			from, to = near, far
		}
		path := fmt.Sprintf("M0,%.1f C%d,%.1f %d,%.1f %d,%.1f", from, tubeWidth/2, from, tubeWidth/2, to, tubeWidth, to)
		t.Tubes = append(t.Tubes, tube{path, n.Key, n.Level})
	}
	return t
}
