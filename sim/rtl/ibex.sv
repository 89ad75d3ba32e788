// Ibex in its configuration `maxperf` (ibex_configs.yaml): three stages, a multiplier of one cycle, a
// branch target unit of its own; no caches, no branch prediction. Both memory ports grant every
// request and answer in the next cycle.

module soc #(
    parameter        WORDS = 131072,
    parameter [31:0] RESET = 32'h8080
) (
    input  logic clk,
    input  logic reset,
    output logic trap
);
  logic i_request, i_valid, d_request, d_valid, d_we;
  logic [31:0] i_address, i_data, d_address, d_wdata, d_data;
  logic [3:0] d_strobes;

  // The exception handler is the firmware's; a second exception within it is a fault.
  logic double_fault;
  assign trap = double_fault;

  always_ff @(posedge clk) begin
    i_valid <= i_request && !reset;
    d_valid <= d_request && !reset;
  end

  ibex_top #(
      .RV32M(ibex_pkg::RV32MSingleCycle),
      .BranchTargetALU(1'b1),
      .WritebackStage(1'b1)
  ) core (
      .clk_i(clk),
      .rst_ni(!reset),
      .test_en_i(1'b0),
      .ram_cfg_i('0),
      .hart_id_i(32'b0),
      // It starts 80 bytes behind this address.
      .boot_addr_i(RESET - 32'h80),
      .instr_req_o(i_request),
      .instr_gnt_i(1'b1),
      .instr_rvalid_i(i_valid),
      .instr_addr_o(i_address),
      .instr_rdata_i(i_data),
      .instr_rdata_intg_i('0),
      .instr_err_i(1'b0),
      .data_req_o(d_request),
      .data_gnt_i(1'b1),
      .data_rvalid_i(d_valid),
      .data_we_o(d_we),
      .data_be_o(d_strobes),
      .data_addr_o(d_address),
      .data_wdata_o(d_wdata),
      .data_wdata_intg_o(),
      .data_rdata_i(d_data),
      .data_rdata_intg_i('0),
      .data_err_i(1'b0),
      .irq_software_i(1'b0),
      .irq_timer_i(1'b0),
      .irq_external_i(1'b0),
      .irq_fast_i('0),
      .irq_nm_i(1'b0),
      .scramble_key_valid_i(1'b0),
      .scramble_key_i('0),
      .scramble_nonce_i('0),
      .scramble_req_o(),
      .debug_req_i(1'b0),
      .crash_dump_o(),
      .double_fault_seen_o(double_fault),
      .fetch_enable_i(ibex_pkg::IbexMuBiOn),
      .alert_minor_o(),
      .alert_major_internal_o(),
      .alert_major_bus_o(),
      .core_sleep_o(),
      .scan_rst_ni(1'b1)
  );

  memory #(
      .WORDS(WORDS)
  ) memory (
      .clk(clk),
      .i_enable(i_request),
      .i_address(i_address),
      .i_data(i_data),
      .d_enable(d_request),
      .d_write(d_we ? d_strobes : 4'b0),
      .d_address(d_address),
      .d_wdata(d_wdata),
      .d_data(d_data)
  );
endmodule
