package web

import (
	"strings"
	"time"

	"rorpost/gateway/collect"
	"rorpost/gateway/lab"
)

// show fills the desk page from the collection in hand.
func (p *deskPage) show(state collect.State) {
	p.Active = true
	p.CanConfirm = state.Stage() == collect.Ready
	p.Ask, p.Such = "Scan or type the label of the next tube", "Barcode on the tube"
	if p.CanConfirm {
		p.Ask, p.Such = "Every tube has its label", "Press the button below when the samples are taken"
	}
	p.Person = cardOfPerson(state.Person())
	next, more := state.Next()
	for _, n := range state.Needs {
		row := tubeRow{Name: materialWord(n.Material), Material: n.Material, Specimen: n.Specimen, Tests: testNames(n.Tests)}
		if more && n.Specimen == "" && n.Order == next.Order && n.Material == next.Material {
			row.Next, more = true, false
		}
		p.Tubes = append(p.Tubes, row)
	}
	for _, o := range state.Orders() {
		card := orderCard{ID: o.ID, From: o.Requester.Name, Created: o.Created}
		for _, t := range o.Tests {
			card.Tests = append(card.Tests, testRow{testName(t), t.Performer == lab.AtUnit})
		}
		p.Orders = append(p.Orders, card)
	}
}

func cardOfPerson(who lab.Person) *personCard {
	c := &personCard{Name: strings.TrimSpace(who.Given + " " + who.Family), Protected: who.Protected, Sex: sexWords[who.Sex]}
	if !who.ID.IsZero() {
		c.Number, c.Warning = written(who.ID), who.ID.Warning()
	}
	if c.Name == "" {
		c.Name = "No name is given"
	}
	return c
}

func testName(t lab.Test) string {
	if t.Code.Text != "" {
		return t.Code.Text
	}
	return t.Code.Code
}

func testNames(tests []lab.Test) string {
	var names []string
	for _, t := range tests {
		names = append(names, testName(t))
	}
	return strings.Join(names, ", ")
}

// collectionOut is a collection for a program: orders and tubes, no person.
type collectionOut struct {
	ID      string     `json:"id"`
	Stage   string     `json:"stage"`
	Started *time.Time `json:"started"`
	Orders  []string   `json:"orders"`
	Tubes   []tubeOut  `json:"tubes"`
}

type tubeOut struct {
	Order    string     `json:"order"`
	Material string     `json:"material"`
	Specimen string     `json:"specimen,omitempty"`
	Scanned  *time.Time `json:"scanned"`
}

func collectionJSON(state collect.State) collectionOut {
	return collectionOut{state.ID(), string(state.Stage()), moment(state.Started()), state.OrderIDs(),
		each(state.Needs, func(n collect.Need) tubeOut {
			return tubeOut{n.Order, n.Material, n.Specimen, moment(n.Scanned)}
		})}
}
