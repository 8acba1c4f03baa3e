// Package port opens the lines that devices are connected by, and makes them all look alike.
//
//	spec, err := port.Parse("serial:/dev/ttyUSB0?baud=9600&mode=8N1")
//	source := port.New(spec)
//	defer source.Close()
//	p, err := source.Open(ctx)
//
// A specification is one of
//
//	serial:/dev/ttyUSB0?baud=9600&mode=8N1   a serial line; COM3 on Windows; a pseudo-terminal too
//	tcp://192.168.0.7:4001                   a device or device server that waits for us
//	listen://0.0.0.0:4001                    a device that connects to us; one at a time, the newest
//
// A serial line is set raw, without flow control; the modem lines are left as the system sets them
// [LIS01 5.2.2]. A device that connects anew replaces the connection before it, which a power cut may have left
// half-open.
//
// RFC 2217 (telnet with line settings) is not built: set the speed in the device server, and use its raw TCP mode.
package port
