//! The toy model on a soft-core.
#![cfg_attr(target_os = "none", no_std, no_main)]

hodoscope_app_softcore::app!(hodoscope_app_toy::Toy);
