package lab

import (
	"bufio"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// numbers reads one of the published lists of test numbers.
func numbers(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open("../../../shared/corpus/personal-numbers/" + name)
	if err != nil {
		t.Skipf("the published test numbers are not here: %s", name)
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); digits(line) && len(line) == 12 {
			out = append(out, line)
		}
	}
	return out
}

// aliveIn is a moment at which a number's owner is in middle age.
func aliveIn(v string) time.Time { return time.Date(number(v[:4])+40, 1, 1, 0, 0, 0, 0, time.UTC) }

func TestEveryPublishedPersonnummerPasses(t *testing.T) {
	list := numbers(t, "personnummer.txt")
	for _, v := range list {
		p, err := ParsePersonID(v, aliveIn(v))
		if err != nil || p.Kind() != IDPersonnummer || p.Wire() != v || p.OID() != OIDPersonnummer || p.Warning() != "" {
			t.Fatalf("%s: got %v %q, %v", v, p.Kind(), p.Warning(), err)
		}
		w, err := PersonIDFromWire(OIDPersonnummer, v, noon)
		if err != nil || w.Wire() != v || !w.Same(p) {
			t.Fatalf("%s on the wire: %v", v, err)
		}
		if q, err := ParsePersonID(v[2:8]+"-"+v[8:], aliveIn(v)); err != nil || q != p {
			t.Fatalf("%s in ten digits: got %s, %v", v, q.Wire(), err)
		}
	}
	t.Logf("%d numbers", len(list))
}

func TestEveryPublishedSamordningsnummerPasses(t *testing.T) {
	list := numbers(t, "samordningsnummer.txt")
	warned, yearOnly := 0, 0
	for _, v := range list {
		p, err := ParsePersonID(v, noon)
		if err != nil || p.Kind() != IDSamordningsnummer || p.Wire() != v || p.OID() != OIDSamordningsnummer {
			t.Fatalf("%s: got %v, %v", v, p.Kind(), err)
		}
		if p.Warning() != "" {
			warned++
		}
		if len(p.BirthDate()) == 4 {
			yearOnly++
		}
	}
	if len(list) == 2264 && (warned != 24 || yearOnly != 24+132+38) {
		t.Errorf("got %d warnings, %d with the year only; want 24 and 194", warned, yearOnly)
	}
	t.Logf("%d numbers, %d with a date that does not exist", len(list), warned)
}

// Every wrong digit is caught, and every swap of neighbours but 0 and 9, which the check digit cannot see.
func TestP7_AWrongDigitNeverPasses(t *testing.T) {
	list := append(numbers(t, "personnummer.txt"), numbers(t, "samordningsnummer.txt")...)
	changed, swapped := 0, 0
	for k := 0; k < len(list); k += 13 {
		v := list[k]
		for i := 2; i < 12; i++ {
			for d := byte('0'); d <= '9'; d++ {
				if d != v[i] {
					changed++
					refused(t, v[:i]+string(d)+v[i+1:], aliveIn(v))
				}
			}
			if i < 11 && v[i] != v[i+1] && v[i:i+2] != "09" && v[i:i+2] != "90" {
				swapped++
				refused(t, v[:i]+string(v[i+1])+string(v[i])+v[i+2:], aliveIn(v))
			}
		}
	}
	t.Logf("%d digits changed, %d swapped", changed, swapped)
}

func refused(t *testing.T, v string, now time.Time) {
	t.Helper()
	p, err := ParsePersonID(v, now)
	if err == nil {
		t.Fatalf("%s: accepted as %v", v, p.Kind())
	}
	if strings.Contains(err.Error(), v) || !p.IsZero() {
		t.Fatalf("%s: the refusal tells the number", v)
	}
	if _, err := PersonIDFromWire(OIDPersonnummer, v, now); err == nil {
		t.Fatalf("%s: accepted on the wire", v)
	}
}

func TestTheDesk(t *testing.T) {
	for _, c := range []struct {
		name, text, now string
		kind            IDKind
		wire, birth     string
	}{
		{"twelve digits", "198501012382", "2026-06-15", IDPersonnummer, "198501012382", "19850101"},
		{"with a dash", "19850101-2382", "2026-06-15", IDPersonnummer, "198501012382", "19850101"},
		{"ten digits, one century possible", "8501012382", "2026-06-15", IDPersonnummer, "198501012382", "19850101"},
		{"figure dash", "850101\u20122382", "2026-06-15", IDPersonnummer, "198501012382", "19850101"},
		{"minus sign", "850101\u22122382", "2026-06-15", IDPersonnummer, "198501012382", "19850101"},
		{"full-width digits", "１９８５０１０１－２３８２", "2026-06-15", IDPersonnummer, "198501012382", "19850101"},
		{"spaces around and for the dash", "  850101 2382\r\n", "2026-06-15", IDPersonnummer, "198501012382", "19850101"},
		{"last day of the minus", "120211-9150", "2011-12-31", IDPersonnummer, "191202119150", "19120211"},
		{"first day of the plus", "120211+9150", "2012-01-01", IDPersonnummer, "191202119150", "19120211"},
		{"a child with a minus", "120101-2380", "2026-06-15", IDPersonnummer, "201201012380", "20120101"},
		{"born today", "201201012380", "2012-01-01", IDPersonnummer, "201201012380", "20120101"},
		{"125 years and the last day", "18900202-9800", "2016-02-01", IDPersonnummer, "189002029800", "18900202"},
		{"co-ordination number", "610973-2393", "2026-06-15", IDSamordningsnummer, "196109732393", "19610913"},
		{"Stockholm", "991981000010", "2026-06-15", IDStockholm, "991981000010", ""},
		{"Stockholm, early year", "99194500-0023", "2026-06-15", IDStockholm, "991945000023", ""},
		{"VGR", "19810829-M071", "2026-06-15", IDVGR, "19810829M071", "19810829"},
		{"VGR, small letter", "19450829k088", "2026-06-15", IDVGR, "19450829K088", "19450829"},
		{"VGR, sex unknown", "19930829X802", "2026-06-15", IDVGR, "19930829X802", "19930829"},
		{"Värmland, no known patient", "19810829SL1A", "2026-06-15", IDVarmland, "19810829SL1A", "19810829"},
		{"national, check digit does not match", "98240301AA06", "2026-06-15", IDNationalReserve, "98240301AA06", "20240301"},
		{"national, nothing known", "00854512BCA7", "2026-06-15", IDNationalReserve, "00854512BCA7", ""},
		{"Örebro", "19810829TA1B", "2026-06-15", IDRegional, "19810829TA1B", "19810829"},
		{"Skåne, short year", "810829DA1B", "2026-06-15", IDRegional, "810829DA1B", ""},
		{"Gävleborg", "19810829-01M2", "2026-06-15", IDRegional, "1981082901M2", "19810829"},
		{"coded", "1980-1234", "2026-06-15", IDCoded, "1980-1234", "1980"},
	} {
		p, err := ParsePersonID(c.text, day(t, c.now))
		if err != nil || p.Kind() != c.kind || p.Wire() != c.wire || p.BirthDate() != c.birth {
			t.Errorf("%s: got %v %q %q, %v; want %v %q %q",
				c.name, p.Kind(), p.Wire(), p.BirthDate(), err, c.kind, c.wire, c.birth)
		}
		if warned := p.Warning() != ""; warned != (c.kind == IDRegional || strings.Contains(c.name, "national")) {
			t.Errorf("%s: warning %q", c.name, p.Warning())
		}
	}
}

func TestTheDeskRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, now, reason string }{
		{"nothing", " ", "2026-06-15", "empty"},
		{"day 00", "202001002381", "2026-06-15", ""},
		{"31 April", "19850431-2382", "2026-06-15", ""},
		{"plus on the last day of the minus", "120211+9150", "2011-12-31", "sign"},
		{"minus on the first day of the plus", "120211-9150", "2012-01-01", "yet to come"},
		{"yet to be born", "201201012380", "2011-12-31", "yet to come"},
		{"126 years today", "189002029800", "2016-02-02", "125"},
		{"century slip", "188501012382", "2026-06-15", "125"},
		{"two centuries possible", "1201012380", "2026-06-15", "two centuries"},
		{"dashes anywhere", "1985-01-01-2382", "2026-06-15", "no known"},
		{"words", "Anna Andersson", "2026-06-15", "no known"},
		{"too long", strings.Repeat("1", 65), "2026-06-15", "too long"},
		{"Stockholm, wrong check", "991981000011", "2026-06-15", "check digit"},
		{"interim date", "20001301T220", "2026-06-15", "not a date"},
		{"coded, year to come", "2080-1234", "2026-06-15", "year"},
		{"birth number 000", "198501010006", "2026-06-15", ""},
	} {
		_, err := ParsePersonID(c.text, day(t, c.now))
		var e *PersonIDError
		if !errors.As(err, &e) || !strings.Contains(e.Reason, c.reason) || e.Hint == "" {
			t.Errorf("%s: got %v, want a refusal about %q with a hint", c.name, err, c.reason)
		}
	}
}

// A mobile number can be a well-formed samordningsnummer; without a sign its century is open, so it is asked about.
func TestAMobileNumberIsAskedAbout(t *testing.T) {
	for i := range 100 {
		text := "070776" + "76" + string(rune('0'+i/10)) + string(rune('0'+i%10))
		if p, err := ParsePersonID(text, noon); err == nil {
			t.Errorf("a mobile number became a %v", p.Kind())
		}
	}
}

func TestTheWire(t *testing.T) {
	const local = "1.2.3.4"
	for _, c := range []struct {
		name, oid, value string
		kind             IDKind
		wire, outOID     string
		warned           bool
	}{
		{"personnummer", OIDPersonnummer, "198501012382", IDPersonnummer, "198501012382", OIDPersonnummer, false},
		{"as a URN", "urn:oid:" + OIDPersonnummer, "19850101-2382", IDPersonnummer, "198501012382", OIDPersonnummer, false},
		{"SNR under the PNR's OID", OIDPersonnummer, "196109732393", IDSamordningsnummer, "196109732393", OIDSamordningsnummer, true},
		{"no OID", "", "850101-2382", IDPersonnummer, "198501012382", OIDPersonnummer, false},
		{"local OID, proves itself", local, "198501012382", IDPersonnummer, "198501012382", OIDPersonnummer, false},
		{"local OID, does not", local, "198501012383", IDOpaque, "198501012383", local, true},
		{"local number", local, "PAT-17", IDOpaque, "PAT-17", local, true},
		{"very old", OIDPersonnummer, "189002029800", IDPersonnummer, "189002029800", OIDPersonnummer, true},
		{"century open", OIDPersonnummer, "1201012380", IDOpaque, "1201012380", OIDPersonnummer, true},
		{"Stockholm", OIDStockholm, "991981000010", IDStockholm, "991981000010", OIDStockholm, false},
		{"VGR", OIDVGR, "19810829M071", IDVGR, "19810829M071", OIDVGR, false},
		{"Värmland", OIDVarmland, "19810829SL1A", IDVarmland, "19810829SL1A", OIDVarmland, false},
		{"national warns only", OIDNationalReserve, "98240301AA06", IDNationalReserve, "98240301AA06", OIDNationalReserve, true},
		{"regional with its OID", local, "19810829TA1B", IDRegional, "19810829TA1B", local, true},
		{"coded", "", "1980-1234", IDCoded, "1980-1234", "", false},
		{"nobody", OIDPersonnummer, "", IDNone, "", "", false},
		{"null", OIDPersonnummer, `""`, IDNone, "", "", false},
	} {
		p, err := PersonIDFromWire(c.oid, c.value, noon)
		if err != nil || p.Kind() != c.kind || p.Wire() != c.wire || p.OID() != c.outOID || (p.Warning() != "") != c.warned {
			t.Errorf("%s: got %v %q %q %q, %v", c.name, p.Kind(), p.Wire(), p.OID(), p.Warning(), err)
		}
		if again, err := PersonIDFromWire(p.OID(), p.Wire(), noon); err != nil || again.Kind() != p.Kind() || again.Wire() != p.Wire() {
			t.Errorf("%s: a second time: got %v, %v", c.name, again.Kind(), err)
		}
	}
	for _, c := range [][2]string{
		{OIDPersonnummer, "198501012383"}, {OIDSamordningsnummer, "196109732394"}, {OIDPersonnummer, "PAT-17"},
		{OIDPersonnummer, "201201012381"}, {OIDStockholm, "991981000011"}, {OIDVGR, "19810829M072"},
		{OIDCarelink, "198501012382"}, {OIDVarmland, "19810829XX11"}, {OIDStockholm, "198501012382"},
		{"", strings.Repeat("1", 251)}, {"", "1\x002"},
	} {
		if p, err := PersonIDFromWire(c[0], c[1], noon); err == nil {
			t.Errorf("%.20q under %s: accepted as %v", c[1], c[0], p.Kind())
		}
	}
}

func TestCarelink(t *testing.T) {
	const base = "19850150238" // Day 50; the check digit is computed, so that no number stands here.
	for d := byte('0'); d <= '9'; d++ {
		v := base + string(d)
		p, err := PersonIDFromWire(OIDCarelink, v, noon)
		if (err == nil) != luhn(v[2:]) {
			t.Errorf("check digit %c: %v", d, err)
		}
		if err == nil && (p.BirthDate() != "1985" || p.Kind() != IDCarelink) {
			t.Errorf("got %v %s", p.Kind(), p.BirthDate())
		}
	}
}

func TestSame(t *testing.T) {
	id := func(oid, v string) PersonID {
		p, err := PersonIDFromWire(oid, v, noon)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		name string
		a, b PersonID
		want bool
	}{
		{"written two ways", id(OIDPersonnummer, "198501012382"), id("", "850101-2382"), true},
		{"another person", id("", "198501012382"), id("", "201201012380"), false},
		{"nobody and nobody", PersonID{}, PersonID{}, false},
		{"somebody and nobody", id("", "198501012382"), PersonID{}, false},
		{"open century", id("", "201201012380"), id(OIDPersonnummer, "1201012380"), true},
		{"open century, another", id("", "198501012382"), id(OIDPersonnummer, "1201012380"), false},
		{"local systems differ", id("1.2.3", "PAT-17"), id("1.2.4", "PAT-17"), false},
		{"system left out", id("1.2.3", "PAT-17"), id("", "PAT-17"), true},
		{"coded", id("", "1980-1234"), id("", "1980-1234"), true},
	} {
		if c.a.Same(c.b) != c.want || c.b.Same(c.a) != c.want {
			t.Errorf("%s: got %v", c.name, !c.want)
		}
	}
}

func TestP14_CodedAndUnknownNumbersLeadToNobody(t *testing.T) {
	for _, v := range []string{"1980-1234", "C-1234", "ABC123", ""} {
		if p, err := PersonIDFromWire("", v, noon); err != nil || p.Linked() {
			t.Errorf("%q: linked %v, %v", v, p.Linked(), err)
		}
	}
	if p, err := ParsePersonID("198501012382", noon); err != nil || !p.Linked() {
		t.Errorf("a personnummer is linked: %v", err)
	}
}
