//! What build systems read.

use super::{Emulator, VERSION};

/// The CMake package: targets `hodoscope::NAME` and `hodoscope::NAME-static`.
pub(super) fn cmake(emulator: &Emulator<'_>) -> String {
    let (name, (shared, _)) = (emulator.name(), emulator.shared());
    let (archive, tag) = (emulator.archive(), emulator.tag());
    format!(
        r#"# The model `{name}`, compiled by Hodoscope {VERSION}. Generated.
#
#   find_package(hodoscope-{name} REQUIRED)
#   target_link_libraries(mine PRIVATE hodoscope::{name})          # or hodoscope::{name}-static
get_filename_component(_hodoscope_root "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)
set(HODOSCOPE_{identifier}_PROGRAM_TAG "{tag}")
if(NOT TARGET hodoscope::{name})
  add_library(hodoscope::{name} SHARED IMPORTED)
  set_target_properties(hodoscope::{name} PROPERTIES
    IMPORTED_LOCATION "${{_hodoscope_root}}/lib/{shared}"
    IMPORTED_SONAME "{shared}"
    INTERFACE_INCLUDE_DIRECTORIES "${{_hodoscope_root}}/include")
  add_library(hodoscope::{name}-static STATIC IMPORTED)
  set_target_properties(hodoscope::{name}-static PROPERTIES
    IMPORTED_LOCATION "${{_hodoscope_root}}/lib/{archive}"
    INTERFACE_INCLUDE_DIRECTORIES "${{_hodoscope_root}}/include")
endif()
unset(_hodoscope_root)
"#,
        identifier = emulator.identifier(),
    )
}

/// Any version that is asked for must be the compiler's own: before 1.0 nothing else is promised.
pub(super) fn cmake_version() -> String {
    format!(
        r#"set(PACKAGE_VERSION "{VERSION}")
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
else()
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
endif()
"#
    )
}

pub(super) fn pkg_config(emulator: &Emulator<'_>) -> String {
    let name = emulator.name();
    format!(
        r#"prefix=${{pcfiledir}}/../..
libdir=${{prefix}}/lib
includedir=${{prefix}}/include

Name: hodoscope-{name}
Description: The model {name}, compiled to integers by Hodoscope
Version: {VERSION}
Cflags: -I"${{includedir}}"
Libs: -L"${{libdir}}" -lhodoscope-{name}
"#
    )
}
