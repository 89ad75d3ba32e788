// One address space for all cores: RAM from 0, devices where bit 31 is set (VexRiscv does not cache
// there). Two ports, as block RAM has them: one for instructions, one for data. What is asked for
// in a cycle is there in the next.
//
//   8000_0000  LINK    read: the next byte from the host, ffff_ffff once it has closed the link, or
//                      ffff_fffe when there is nothing yet; write: a byte to the host
//   8000_0004  CYCLES  read: cycles since the start
//   8000_0008  LOG     write: a character for people
//   8000_000c  EXIT    write: the end, with this exit code
//   8000_0010  BUSY    write: the pin, 0 or 1
//   8000_0014  ACCEPT  write: the pin, 0 or 1
//
// The devices call the testbench (main.cpp). A read of LINK lets simulated time stand still until
// the host has sent something: what happens depends on the bytes alone, not on when they come. Only in
// a stream of events at given cycles (stream.cpp) time goes on, and there may be nothing yet.

module memory #(
    parameter WORDS = 131072
) (
    input  wire        clk,
    input  wire        i_enable,
    input  wire [31:0] i_address,
    output reg  [31:0] i_data,
    input  wire        d_enable,
    input  wire [ 3:0] d_write,     // strobes of the bytes to write; none: a read
    input  wire [31:0] d_address,
    input  wire [31:0] d_wdata,
    output wire [31:0] d_data
);
  localparam ADDRESS = $clog2(WORDS);

  import "DPI-C" function int testbench_receive();
  import "DPI-C" function void testbench_send(input int character);
  import "DPI-C" function void testbench_log(input int character);
  import "DPI-C" function void testbench_exit(input int code);
  import "DPI-C" function void testbench_busy(input int level);
  import "DPI-C" function void testbench_accept(input int level);
  import "DPI-C" function void testbench_fault(input int address);

  reg [31:0] ram[0:WORDS-1];

  reg [1023:0] image;
  initial begin
    if (!$value$plusargs("image=%s", image)) $fatal(1, "no +image=FILE");
    $readmemh(image, ram);
  end

  wire in_ram = d_address[31:2] < WORDS;
  reg [31:0] cycles = 0;
  reg [31:0] ram_data, device_data;
  reg of_device = 0;
  assign d_data = of_device ? device_data : ram_data;

  // Two processes without each other's signals, so that they stay two ports of a block RAM.
  always @(posedge clk) if (i_enable) i_data <= ram[i_address[ADDRESS+1:2]];

  always @(posedge clk)
    if (d_enable && in_ram) begin
      if (d_write[0]) ram[d_address[ADDRESS+1:2]][7:0] <= d_wdata[7:0];
      if (d_write[1]) ram[d_address[ADDRESS+1:2]][15:8] <= d_wdata[15:8];
      if (d_write[2]) ram[d_address[ADDRESS+1:2]][23:16] <= d_wdata[23:16];
      if (d_write[3]) ram[d_address[ADDRESS+1:2]][31:24] <= d_wdata[31:24];
      ram_data <= ram[d_address[ADDRESS+1:2]];
    end

  always @(posedge clk) begin
    cycles <= cycles + 1;
    if (d_enable) begin
      of_device <= !in_ram;
      if (!in_ram)
        case ({|d_write, d_address})
          33'h0_8000_0000: device_data <= testbench_receive();
          33'h1_8000_0000: testbench_send({24'b0, d_wdata[7:0]});
          33'h0_8000_0004: device_data <= cycles;
          33'h1_8000_0008: testbench_log({24'b0, d_wdata[7:0]});
          33'h1_8000_000c: testbench_exit(d_wdata);
          33'h1_8000_0010: testbench_busy(d_wdata);
          33'h1_8000_0014: testbench_accept(d_wdata);
          default: testbench_fault(d_address);
        endcase
    end
  end
endmodule
