//! The toy model on the board.
#![cfg_attr(target_os = "none", no_std, no_main)]

hodoscope_app_stm32h7::app!(hodoscope_app_toy::Toy);
