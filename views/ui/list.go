package ui

// Choice is one link of several.
type Choice struct {
	Text, URL string
	Current   bool
}

// Parameter is a hidden input.
type Parameter struct{ Name, Value string }

// Facet is a state with the number of groupings in it; no state: all.
type Facet struct {
	State   string
	Count   int
	URL     string
	Current bool
}

// Column is the head of a column. The link sorts by it; empty: it cannot be
// sorted by.
type Column struct {
	Label, URL, Class string
	Sort              string // aria-sort; empty: by another column
}

// Pages are the ways through what is too long for one page.
type Pages struct {
	From, To, Total int    // from 1
	Previous, Next  string // empty: there is none
}

// Needed reports whether there is more than one page.
func (p Pages) Needed() bool { return p.Previous != "" || p.Next != "" }

// String describes the shown range.
func (p Pages) String() string {
	return Number(p.From) + "–" + Number(p.To) + " of " + Number(p.Total)
}
