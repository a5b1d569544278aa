// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "list.h"

struct item {
	int number;
	struct list node;
};

static int number_of(struct list *node)
{
	return list_entry(node, struct item, node)->number;
}

/* HEAD holds COUNT items whose numbers are the decimal digits of DIGITS. */
static void assert_holds(struct list *head, int count, int digits)
{
	struct list *node = head->prev;

	for (; count > 0; count--, digits /= 10, node = node->prev) {
		assert_ptr_not_equal(node, head);
		assert_int_equal(number_of(node), digits % 10);
		assert_ptr_equal(node->next->prev, node);
	}
	assert_ptr_equal(node, head);
}

static void nodes_keep_the_order_of_appending(void **state)
{
	struct list head = LIST_INIT(head);
	struct item one = { .number = 1 }, two = { .number = 2 }, three = { .number = 3 };

	(void)state;
	assert_true(list_is_empty(&head));
	list_append(&head, &two.node);
	list_append(&head, &three.node);
	list_prepend(&head, &one.node);
	assert_holds(&head, 3, 123);
	assert_ptr_equal(list_pop(&head), &one.node);
	assert_true(list_is_empty(&one.node));
	assert_holds(&head, 2, 23);
}

static void removing_leaves_a_node_on_no_list(void **state)
{
	struct list head = LIST_INIT(head), other = LIST_INIT(other);
	struct item one = { .number = 1 }, two = { .number = 2 };

	(void)state;
	list_append(&head, &one.node);
	list_append(&head, &two.node);
	list_remove(&one.node);
	assert_true(list_is_empty(&one.node));
	list_remove(&one.node);
	assert_holds(&head, 1, 2);
	list_move(&other, &two.node);
	assert_true(list_is_empty(&head));
	assert_holds(&other, 1, 2);
	assert_null(list_pop(&head));
}

static void splicing_appends_all_and_empties_the_source(void **state)
{
	struct list to = LIST_INIT(to), from = LIST_INIT(from);
	struct item items[4] = { { .number = 1 }, { .number = 2 }, { .number = 3 },
				 { .number = 4 } };

	(void)state;
	list_splice(&to, &from);
	assert_true(list_is_empty(&to));
	list_append(&from, &items[0].node);
	list_append(&from, &items[1].node);
	list_splice(&to, &from);
	assert_true(list_is_empty(&from));
	assert_holds(&to, 2, 12);
	list_append(&from, &items[2].node);
	list_append(&from, &items[3].node);
	list_splice(&to, &from);
	assert_true(list_is_empty(&from));
	assert_holds(&to, 4, 1234);
}

static void walking_survives_removal_of_the_current_node(void **state)
{
	struct list head = LIST_INIT(head);
	struct item items[5];
	int sum = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		items[i].number = i;
		list_append(&head, &items[i].node);
	}
	list_for_each(node, &head) {
		sum += number_of(node);
		if (number_of(node) % 2)
			list_remove(node);
	}
	assert_int_equal(sum, 10);
	assert_holds(&head, 3, 24);     /* 0, 2, 4 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_keep_the_order_of_appending),
		cmocka_unit_test(removing_leaves_a_node_on_no_list),
		cmocka_unit_test(splicing_appends_all_and_empties_the_source),
		cmocka_unit_test(walking_survives_removal_of_the_current_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
