package ui

// Problem is what a page shows instead of its content.
type Problem struct {
	Frame
	Status  int
	Text    string // whole sentences
	Request string // names the request in the server's log; empty: it is not there
	Retry   int    // seconds after which it may work; 0: nobody knows
	Search  bool   // what was looked for may be among the groupings
	Action  Choice // what to do now, unless that is to search
	Others  []Choice
}

// retry says when it may work; empty: nobody knows.
func (p Problem) retry() string {
	switch {
	case p.Retry == 0:
		return ""
	case p.Reload > 0:
		return "This page asks again in " + CountOf(p.Reload, "second", "seconds") + "."
	}
	return "It may work in " + CountOf(p.Retry, "second", "seconds") + "."
}
