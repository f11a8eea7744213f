package ui

// Problem is shown by a page in place of its content.
type Problem struct {
	Frame
	Status  int
	Text    string // whole sentences
	Request string // names the request in the server's log; empty: it is not there
	Retry   int    // seconds after which it may work; 0: unknown
	Search  bool   // the missing page may be among the groupings
	Action  Choice // the way out, unless that is to search
	Others  []Choice
}

// retry says when it may work; empty: unknown.
func (p Problem) retry() string {
	switch {
	case p.Retry == 0:
		return ""
	case p.Reload > 0:
		return "This page retries in " + CountOf(p.Reload, "second", "seconds") + "."
	}
	return "Try again in " + CountOf(p.Retry, "second", "seconds") + "."
}
