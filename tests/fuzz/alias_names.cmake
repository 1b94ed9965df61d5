homeward_fuzz_target(NAME alias_names SOURCES "${CMAKE_CURRENT_LIST_DIR}/alias_names.cpp" DEPENDS milter_knowledge)
