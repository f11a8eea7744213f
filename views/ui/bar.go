package ui

// Bar is one bar of a chart.
type Bar struct {
	X, Width, Y, Height string
	Title               string
	Zero                bool
}
