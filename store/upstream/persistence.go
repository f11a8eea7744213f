// Package upstream reads what prometheus/pushgateway has persisted, so that its
// groupings can be taken over.
package upstream

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"gatehouse/store/exposition"
)

// Grouping is a group of metrics as the Pushgateway kept it. Nothing about it
// has been checked: the Pushgateway accepts names, labels and families that
// others refuse.
type Grouping struct {
	// Labels holds the grouping key, sorted by name. Values may be empty.
	Labels []exposition.Label
	// Families holds the pushed ones, sorted by name; the two families of push
	// times are left out. Metrics carry the grouping's labels.
	Families []Family
	// Pushed and Failed are when a push last succeeded and last failed, zero for
	// never. Where the file says neither, Pushed is when a family was pushed last.
	Pushed, Failed time.Time
}

// Family is a metric family as the Pushgateway kept it: encoded, since it takes
// several times the memory otherwise.
type Family struct {
	Name    string
	Message []byte    // an io.prometheus.client.MetricFamily, with any content
	Changed time.Time // when it was pushed last; zero: not known
}

// The families in which the Pushgateway keeps the times of pushes.
const (
	pushTimeFamily    = "push_time_seconds"
	failureTimeFamily = "push_failure_time_seconds"
)

// maxSize bounds the file that is read, and with it the memory that takes.
const maxSize = 4 << 30

// Read returns the groupings of a Pushgateway's persistence file, sorted by
// their labels. It only reads, and it reads all or nothing: a file that is
// damaged, empty or no such file at all is an error that names the file. A file
// that does not exist is an fs.ErrNotExist.
func Read(path string) ([]Grouping, error) {
	var groupings []Grouping
	err := with(path, func(f io.Reader) (err error) {
		groupings, err = read(f, maxSize)
		return err
	})
	return groupings, err
}

// Parse returns the groupings of the content of such a file. Errors are those of
// Read.
func Parse(content []byte) ([]Grouping, error) { return read(bytes.NewReader(content), maxSize) }

// Sum identifies the content of a file: different contents have different sums.
// Errors are those of Read, but for a file that is damaged.
func Sum(path string) (string, error) {
	digest := sha256.New()
	err := with(path, func(f io.Reader) error {
		_, err := io.Copy(digest, f)
		return cause(err)
	})
	return hex.EncodeToString(digest.Sum(nil)), err
}

// with has a file read. Errors name it.
func with(path string, read func(io.Reader) error) error {
	f, err := open(path)
	if err == nil {
		defer f.Close()
		err = read(f)
	}
	if err != nil {
		return fmt.Errorf("persistence file %q: %w", path, err)
	}
	return nil
}

func open(path string) (*os.File, error) {
	// Asked first, since opening a named pipe would wait.
	stat, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, cause(err)
	case stat.IsDir():
		return nil, errors.New("is a directory")
	case !stat.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case stat.Size() > maxSize:
		return nil, errTooLarge
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	return f, nil
}

// cause strips the path, which Read puts in front of every error.
func cause(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

var (
	errTooLarge = fmt.Errorf("is larger than %d GiB", maxSize>>30)
	errDamaged  = errors.New("is damaged or was not written by a Pushgateway")
)

// read reads at most max bytes.
func read(r io.Reader, max int64) ([]Grouping, error) {
	content, err := io.ReadAll(io.LimitReader(r, max+1))
	switch {
	case err != nil:
		return nil, cause(err)
	case int64(len(content)) > max:
		return nil, errTooLarge
	case len(content) == 0:
		return nil, errors.New("is empty")
	}
	persisted, err := decode(content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	groupings := make([]Grouping, 0, len(persisted))
	for _, g := range persisted {
		if len(g.Labels) == 0 {
			return nil, fmt.Errorf("%w: a group has no labels", errDamaged)
		}
		groupings = append(groupings, grouping(g))
	}
	slices.SortFunc(groupings, func(a, b Grouping) int {
		return slices.CompareFunc(a.Labels, b.Labels, exposition.CompareLabels)
	})
	return groupings, nil
}

// persistedGroup, persistedFamily and metricFamily have the shape that the file
// describes itself to have. Names of fields are part of it.
type persistedGroup struct {
	Labels  map[string]string
	Metrics map[string]persistedFamily
}

type persistedFamily struct {
	Timestamp            time.Time
	GobbableMetricFamily *metricFamily
}

// metricFamily is an encoded protobuf message.
type metricFamily []byte

// GobDecode keeps the message, if it is one.
func (f *metricFamily) GobDecode(b []byte) error {
	*f = bytes.Clone(b)
	return exposition.CheckProtobuf(b)
}

// decode makes nothing but an error of whatever bytes it is given.
func decode(content []byte) (persisted map[string]persistedGroup, err error) {
	// The library is not made for damaged input: it asks for the memory of as
	// many map entries as the bytes claim, and may panic.
	if err := checkCounts(content); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			persisted, err = nil, fmt.Errorf("%v", r)
		}
	}()
	err = gob.NewDecoder(bytes.NewReader(content)).Decode(&persisted)
	return persisted, err
}

func grouping(p persistedGroup) Grouping {
	var g Grouping
	for name, value := range p.Labels {
		g.Labels = append(g.Labels, exposition.Label{Name: name, Value: value})
	}
	exposition.SortLabels(g.Labels)
	for _, name := range slices.Sorted(maps.Keys(p.Metrics)) {
		family := p.Metrics[name].GobbableMetricFamily
		switch {
		case family == nil:
		case name == pushTimeFamily:
			g.Pushed = timeOf(*family)
		case name == failureTimeFamily:
			g.Failed = timeOf(*family)
		default:
			g.Families = append(g.Families, Family{name, *family, plausible(p.Metrics[name].Timestamp)})
		}
	}
	if g.Pushed.IsZero() && g.Failed.IsZero() {
		for _, f := range g.Families {
			if f.Changed.After(g.Pushed) {
				g.Pushed = f.Changed
			}
		}
	}
	return g
}

// plausible is a time that has a place in Unix nanoseconds, or never.
func plausible(t time.Time) time.Time {
	if t.Unix() <= 0 || t.Unix() >= math.MaxInt64/int64(time.Second) {
		return time.Time{}
	}
	return t.UTC()
}

// maxTimeMessage bounds the message of a family that says when.
const maxTimeMessage = 64 << 10

// timeOf returns the time that is the value of a family's first metric. Clients
// can push anything under these names, so what makes no sense is never.
func timeOf(message []byte) time.Time {
	var family dto.MetricFamily
	if len(message) > maxTimeMessage || proto.Unmarshal(message, &family) != nil || len(family.GetMetric()) == 0 {
		return time.Time{}
	}
	seconds := family.Metric[0].GetGauge().GetValue()
	if !(seconds > 0 && seconds < math.MaxInt64/float64(time.Second)) {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return plausible(time.Unix(int64(whole), int64(fraction*1e9)))
}
