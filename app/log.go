package app

import (
	"io"
	"log/slog"

	"github.com/prometheus/common/promslog"
)

// NewLogger makes the logger that o asks for, writing to w.
func NewLogger(o Options, w io.Writer) (*slog.Logger, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(o.LogLevel); err != nil {
		return nil, err
	}
	if err := format.Set(o.LogFormat); err != nil {
		return nil, err
	}
	return promslog.New(&promslog.Config{Level: level, Format: format, Writer: w}), nil
}
