//! The toy model on the host.

hodoscope_app_native::app!(hodoscope_app_toy::Toy);
