// VexRiscv as the package generates it, with two Wishbone buses. A read is acknowledged in the cycle
// after the request, and a burst (the fill of a cache line) brings a word in every cycle; a write is
// taken at once. With NETWORK the core is one with a port for instructions of its own, and `instruction`, which is
// written with the model, stands behind it.

module soc #(
    parameter        WORDS = 131072,
    parameter [31:0] RESET = 32'h8080
) (
    input  wire clk,
    input  wire reset,
    output wire trap
);
  localparam [2:0] INCREMENTING = 3'b010;

  wire i_cyc, i_stb, d_cyc, d_stb, d_we;
  wire [29:0] i_address, d_address;
  wire [31:0] i_data, d_data, d_wdata;
  wire [3:0] d_strobes;
  wire [2:0] i_cti, d_cti;
  reg i_read = 0, d_read = 0;   // data of a read are there

  // The exception handler is the firmware's.
  assign trap = 1'b0;

  wire i_request = i_cyc && i_stb;
  wire i_more = i_read && i_cti == INCREMENTING;
  wire i_enable = i_request && (!i_read || i_more);

  wire d_request = d_cyc && d_stb;
  wire d_more = d_read && d_cti == INCREMENTING;
  wire d_enable = d_request && (d_we || !d_read || d_more);

  always @(posedge clk) begin
    i_read <= i_enable && !reset;
    d_read <= d_enable && !d_we && !reset;
  end

`ifdef NETWORK
  wire cmd_valid, cmd_ready, rsp_valid, rsp_ready;
  wire [9:0] cmd_function;
  wire [31:0] cmd_a, cmd_b, rsp_data;

  instruction network (
      .clk(clk),
      .reset(reset),
      .cmd_valid(cmd_valid),
      .cmd_ready(cmd_ready),
      .cmd_function(cmd_function[2:0]),
      .cmd_a(cmd_a),
      .cmd_b(cmd_b),
      .rsp_valid(rsp_valid),
      .rsp_ready(rsp_ready),
      .rsp_data(rsp_data)
  );
`endif

  VexRiscv core (
`ifdef NETWORK
      .CfuPlugin_bus_cmd_valid(cmd_valid),
      .CfuPlugin_bus_cmd_ready(cmd_ready),
      .CfuPlugin_bus_cmd_payload_function_id(cmd_function),
      .CfuPlugin_bus_cmd_payload_inputs_0(cmd_a),
      .CfuPlugin_bus_cmd_payload_inputs_1(cmd_b),
      .CfuPlugin_bus_rsp_valid(rsp_valid),
      .CfuPlugin_bus_rsp_ready(rsp_ready),
      .CfuPlugin_bus_rsp_payload_outputs_0(rsp_data),
`endif
      .clk(clk),
      .reset(reset),
      .externalResetVector(RESET),
      .timerInterrupt(1'b0),
      .softwareInterrupt(1'b0),
      .externalInterruptArray(32'b0),
      .iBusWishbone_CYC(i_cyc),
      .iBusWishbone_STB(i_stb),
      .iBusWishbone_ACK(i_read),
      .iBusWishbone_WE(),
      .iBusWishbone_ADR(i_address),
      .iBusWishbone_DAT_MISO(i_data),
      .iBusWishbone_DAT_MOSI(),
      .iBusWishbone_SEL(),
      .iBusWishbone_ERR(1'b0),
      .iBusWishbone_CTI(i_cti),
      .iBusWishbone_BTE(),
      .dBusWishbone_CYC(d_cyc),
      .dBusWishbone_STB(d_stb),
      .dBusWishbone_ACK(d_read || (d_request && d_we)),
      .dBusWishbone_WE(d_we),
      .dBusWishbone_ADR(d_address),
      .dBusWishbone_DAT_MISO(d_data),
      .dBusWishbone_DAT_MOSI(d_wdata),
      .dBusWishbone_SEL(d_strobes),
      .dBusWishbone_ERR(1'b0),
      .dBusWishbone_CTI(d_cti),
      .dBusWishbone_BTE()
  );

  memory #(
      .WORDS(WORDS)
  ) memory (
      .clk(clk),
      .i_enable(i_enable),
      .i_address({i_address + {29'b0, i_more}, 2'b0}),
      .i_data(i_data),
      .d_enable(d_enable),
      .d_write(d_we ? d_strobes : 4'b0),
      .d_address({d_address + {29'b0, d_more}, 2'b0}),
      .d_wdata(d_wdata),
      .d_data(d_data)
  );
endmodule
