#pragma once
// Lists in main.cf (transport_maps, smtpd_milters, restrictions): ours is added to what stands
// there, never put in its place. Items are separated by commas or white space; what stands in
// { braces } is one item. Pure.

#include <string>
#include <string_view>
#include <vector>

namespace homeward::admin::mta {

// The words of a list. Braced ones keep their braces.
[[nodiscard]] std::vector<std::string> list_words(std::string_view value);

// Whether `item`, which may be several words ("check_policy_service unix:x"), stands in the list.
[[nodiscard]] bool holds_item(std::string_view value, std::string_view item);

// Where a new item goes.
enum class list_place : unsigned char {
  front,
  back,
  restriction, // behind reject_unauth_destination; else before a last permit, reject or defer
};

// main.cf with `item` added to the list `name`. `text` is the file, `value` the present value as
// postconf tells it ("" when there is none). Only the lines of that parameter are touched, and of
// these only the place where the item goes: comments and the layout of long lists stay. A list that
// the file does not set is added at its end as "name = value, item". Unchanged when it holds the
// item already.
[[nodiscard]] std::string with_list_item(std::string_view text, std::string_view name,
                                         std::string_view value, std::string_view item,
                                         list_place place);

// main.cf without `item` in the list `name`, separators included. A parameter that is then empty
// and `remove_if_empty` goes altogether.
[[nodiscard]] std::string without_list_item(std::string_view text, std::string_view name,
                                            std::string_view item, bool remove_if_empty);

// "name = value" lines of a main.cf, in order, long ones joined; the last setting of a name counts.
struct parameter {
  std::string name;
  std::string value;
};
[[nodiscard]] std::vector<parameter> parse_main_cf(std::string_view text);

} // namespace homeward::admin::mta
