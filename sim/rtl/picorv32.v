// PicoRV32 with its barrel shifter, and unless WITHOUT_MULTIPLIER is defined with its fast multiplier and
// its divider: RV32IM, else RV32I. Its look-ahead interface gives an address a cycle before the access, which
// is what block RAM wants: no access waits.

`ifdef WITHOUT_MULTIPLIER
`define MULTIPLIER 0
`else
`define MULTIPLIER 1
`endif

module soc #(
    parameter        WORDS = 131072,
    parameter [31:0] RESET = 32'h8080
) (
    input  wire clk,
    input  wire reset,
    output wire trap    // the core has stopped for good: an illegal instruction or address
);
  wire [31:0] address, wdata, rdata;
  wire [3:0] strobes;
  wire read, write;
  reg  ready;

  // What was asked for is there when the access begins, and stays until the next.
  always @(posedge clk) ready <= !reset;

  picorv32 #(
      .ENABLE_COUNTERS(0),
      .ENABLE_COUNTERS64(0),
      .BARREL_SHIFTER(1),
      .ENABLE_FAST_MUL(`MULTIPLIER),
      .ENABLE_DIV(`MULTIPLIER),
      .REGS_INIT_ZERO(1),
      .PROGADDR_RESET(RESET)
  ) core (
      .clk(clk),
      .resetn(!reset),
      .trap(trap),
      .mem_ready(ready),
      .mem_rdata(rdata),
      .mem_la_read(read),
      .mem_la_write(write),
      .mem_la_addr(address),
      .mem_la_wdata(wdata),
      .mem_la_wstrb(strobes),
      .pcpi_wr(1'b0),
      .pcpi_rd(32'b0),
      .pcpi_wait(1'b0),
      .pcpi_ready(1'b0),
      .irq(32'b0)
  );

  memory #(
      .WORDS(WORDS)
  ) memory (
      .clk(clk),
      .i_enable(1'b0),
      .i_address(32'b0),
      .i_data(),
      .d_enable(read || write),
      .d_write(write ? strobes : 4'b0),
      .d_address(address),
      .d_wdata(wdata),
      .d_data(rdata)
  );
endmodule
