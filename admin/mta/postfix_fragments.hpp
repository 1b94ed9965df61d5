#pragma once
// What the fragments of postfix-conf/ ask for, as single lists items and values. Fragments are
// written for an administrator who copies them; here they are taken apart, so that lists are added
// to and his own values stay.

#include <string>
#include <vector>

#include "lib/base/failure.hpp"

#include "admin/mta/settings.hpp"
#include "admin/mta/value_list.hpp"

namespace homeward::admin::mta {

// One item of a list in main.cf; not `wanted`: it is taken out where it stands.
struct list_item {
  std::string name;
  std::string item;
  list_place place = list_place::back;
  bool wanted = true;
};

// All items that could be ours. `local` and `others` are the chosen domains in mydestination and
// elsewhere.
[[nodiscard]] result<std::vector<list_item>> list_items(const settings& s,
                                                        const std::vector<std::string>& local,
                                                        const std::vector<std::string>& others);

// The values that are no lists: of the fragments that the settings ask for, or (`wanted` false) of
// the others.
[[nodiscard]] result<std::vector<parameter>> scalar_parameters(const settings& s, bool wanted);

} // namespace homeward::admin::mta
