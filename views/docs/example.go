package docs

import "slices"

// Example is a request that a page offers to send to the server that shows it.
// The page has the same as a command for curl.
type Example struct {
	Name   string // in the addresses of pages
	Method string
	Path   string // below the route prefix
	Body   string
}

// ExampleJob is the job of all that examples push.
const ExampleJob = "docs_example"

const examplePath = "/metrics/job/" + ExampleJob + "/instance/demo"

var examples = []Example{
	{"replace", "PUT", examplePath, "# TYPE docs_example_seconds gauge\ndocs_example_seconds 12.5\n# TYPE docs_example_rows gauge\ndocs_example_rows{table=\"orders\"} 730\n"},
	{"merge", "POST", examplePath, "# TYPE docs_example_rows gauge\ndocs_example_rows{table=\"orders\"} 731\n"},
	{"refused", "PUT", examplePath, "docs_example_seconds 12.5 1767225600000\n"},
	{"delete", "DELETE", examplePath, ""},
}

// Examples returns all that can be run. The slice is a copy.
func Examples() []Example { return slices.Clone(examples) }

// FindExample returns the example of a name.
func FindExample(name string) (Example, bool) {
	i := slices.IndexFunc(examples, func(e Example) bool { return e.Name == name })
	if i < 0 {
		return Example{}, false
	}
	return examples[i], true
}

// PageOf returns the page that offers an example.
func PageOf(e Example) *Page {
	run := mark(markRun, e.Name)
	i := slices.IndexFunc(Pages(), func(p *Page) bool { return slices.Contains(p.pieces, run[1:len(run)-1]) })
	return Pages()[max(i, 0)]
}
