// The same memory and devices on an FPGA: RAM in its memory blocks, and of the link the register
// that a serialiser would read and write. It stands in for memory.v when a board is synthesised for
// figures of area and clock; no bitstream is made of it.

module memory #(
    parameter WORDS = 16384
) (
    input  wire        clk,
    input  wire        i_enable,
    input  wire [31:0] i_address,
    output reg  [31:0] i_data,
    input  wire        d_enable,
    input  wire [ 3:0] d_write,
    input  wire [31:0] d_address,
    input  wire [31:0] d_wdata,
    output wire [31:0] d_data
);
  localparam ADDRESS = $clog2(WORDS);

  reg [31:0] ram[0:WORDS-1];
  reg [31:0] ram_data, device_data;
  reg of_device;
  assign d_data = of_device ? device_data : ram_data;

  // Kept: the pins that would read and write it are not here.
  (* keep *) reg [7:0] link;
  reg [31:0] cycles;

  always @(posedge clk) if (i_enable) i_data <= ram[i_address[ADDRESS+1:2]];

  always @(posedge clk)
    if (d_enable) begin
      if (d_write[0] && !d_address[31]) ram[d_address[ADDRESS+1:2]][7:0] <= d_wdata[7:0];
      if (d_write[1] && !d_address[31]) ram[d_address[ADDRESS+1:2]][15:8] <= d_wdata[15:8];
      if (d_write[2] && !d_address[31]) ram[d_address[ADDRESS+1:2]][23:16] <= d_wdata[23:16];
      if (d_write[3] && !d_address[31]) ram[d_address[ADDRESS+1:2]][31:24] <= d_wdata[31:24];
      // Not while it writes: single-ported memory blocks do either.
      if (d_write == 0) ram_data <= ram[d_address[ADDRESS+1:2]];
    end

  always @(posedge clk) begin
    cycles <= cycles + 1;
    if (d_enable) begin
      of_device <= d_address[31];
      device_data <= d_address[2] ? cycles : {24'b0, link};
      if (d_write[0] && d_address[31]) link <= d_wdata[7:0];
    end
  end
endmodule
