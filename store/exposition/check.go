package exposition

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds on what a push may hold, all of them far above real use.
const (
	maxDecodeBody    = 1 << 30  // bytes of a body, which offsets of 32 bits need
	maxDecodeName    = 1 << 10  // bytes of a metric or label name
	maxDecodeHelp    = 64 << 10 // bytes of a HELP text
	maxDecodeLabels  = 256      // labels of one series, the grouping's included
	maxDecodeBuckets = 1 << 16  // native buckets of one histogram and side

	// A small body and a long grouping key make much text, as every line
	// repeats the key: it may be the larger of these two.
	maxDecodeText       = 64 << 20 // bytes
	maxDecodeTextFactor = 8        // times the body

	maxQuotedBytes = 80 // of client input in an error message
)

// The two families that the store makes for every grouping. What a body says
// under these names is dropped.
const (
	pushTimeName    = "push_time_seconds"
	failureTimeName = "push_failure_time_seconds"
)

// Classes of the bytes of legacy names.
const (
	metricStartByte = 1 << iota
	metricByte
	labelStartByte
	labelByte
)

var nameClass = func() (class [256]uint8) {
	for c := range class {
		switch b := byte(c); {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b == '_':
			class[c] = metricStartByte | metricByte | labelStartByte | labelByte
		case b >= '0' && b <= '9':
			class[c] = metricByte | labelByte
		case b == ':':
			class[c] = metricStartByte | metricByte
		}
	}
	return class
}()

// isLegacyName says whether name has the given class of first byte and only
// bytes of the class behind it.
func isLegacyName[T string | []byte](name T, start, rest uint8) bool {
	if len(name) == 0 || nameClass[name[0]]&start == 0 {
		return false
	}
	for i := 1; i < len(name); i++ {
		if nameClass[name[i]]&rest == 0 {
			return false
		}
	}
	return true
}

func isLegacyMetric[T string | []byte](name T) bool {
	return isLegacyName(name, metricStartByte, metricByte)
}

func isLegacyLabel[T string | []byte](name T) bool {
	return isLegacyName(name, labelStartByte, labelByte)
}

// checkName reports whether a name of any kind can be used. NUL is refused
// because Prometheus' parser takes it for the end of the input.
func checkName(name []byte, legacy, utf8Names bool) bool {
	if len(name) > maxDecodeName {
		return false
	}
	return legacy || utf8Names && len(name) > 0 && utf8.Valid(name) && strings.IndexByte(string(name), 0) < 0
}

// isReserved says whether a label name is one that Prometheus keeps for itself.
func isReserved[T string | []byte](name T) bool {
	return len(name) >= 2 && name[0] == '_' && name[1] == '_'
}

// quoted quotes what a client sent for an error message: printable, on one
// line, cut off where it is long.
func quoted[T string | []byte](s T) string {
	if len(s) <= maxQuotedBytes {
		return strconv.Quote(string(s))
	}
	return strconv.Quote(string(s[:maxQuotedBytes])) + "…"
}

func checkSize(body []byte) error {
	if len(body) > maxDecodeBody {
		return refuse(ReasonLimit, 0, "the body is larger than %d bytes", maxDecodeBody)
	}
	return nil
}

func refuse(r Reason, line int, format string, args ...any) error {
	return &Error{Reason: r, Line: line, Detail: fmt.Sprintf(format, args...)}
}
