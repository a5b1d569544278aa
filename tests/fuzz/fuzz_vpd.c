// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every VPD page parser on every input. */
#include <string.h>

#include "fuzz.h"
#include "vpd.h"

static void designation(const uint8_t *data, size_t size)
{
	static struct vpd_designation d;
	const struct vpd_designator *it = NULL;
	unsigned n = 0;
	size_t bytes = 4;
	int r = vpd_designation_parse(data, size, &d);

	MUST(r == 0 || (d.count == 0 && !d.cut && !d.truncated));
	MUST(d.count <= VPD_DESIGNATORS);
	MUST(!d.cut || d.count == VPD_DESIGNATORS);
	while ((it = vpd_designation_next(&d, it, -1, -1))) {
		n++;
		bytes += 4u + it->len;
		MUST(it->association <= 3 && it->type <= 15 && it->code_set <= 15);
		MUST(it->protocol <= 15 && (it->protocol_valid || it->protocol == 0));
	}
	MUST(n == d.count);
	MUST(r < 0 || bytes <= size);
	MUST(vpd_relative_port(&d) <= 0xffff && vpd_port_group(&d) <= 0xffff);
}

static void block_limits(const uint8_t *data, size_t size)
{
	struct vpd_block_limits bl;
	uint32_t alignment, granularity;
	int r = vpd_block_limits_parse(data, size, &bl);

	MUST(r == 0 || bl.max_transfer == 0);
	granularity = vpd_unmap_granularity(&bl, &alignment);
	MUST(granularity > 0 && alignment < granularity);
	MUST(vpd_max_transfer(&bl) > 0 && vpd_max_write_same(&bl) > 0);
	MUST(vpd_optimal_transfer(&bl) <= vpd_max_transfer(&bl));
	MUST(vpd_transfer_granularity(&bl) > 0);
	MUST(vpd_transfer_granularity(&bl) <= vpd_max_transfer(&bl));
}

static void serial(const uint8_t *data, size_t size)
{
	struct vpd_serial s;
	int r = vpd_serial_parse(data, size, &s);

	MUST(strnlen(s.text, sizeof(s.text)) == s.len);
	MUST(r == 0 || s.len == 0);
	for (size_t i = 0; i < s.len; i++)
		MUST(s.text[i] >= 0x20 && s.text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vpd_block_characteristics bc;
	struct vpd_provisioning lbp;
	struct vpd_pages pages;
	unsigned n = 0;

	designation(data, size);
	block_limits(data, size);
	serial(data, size);
	vpd_block_characteristics_parse(data, size, &bc);
	MUST(bc.form_factor <= 15);
	vpd_provisioning_parse(data, size, &lbp);
	MUST(lbp.type <= 7);
	vpd_pages_parse(data, size, &pages);
	for (unsigned page = 0; page < 256; page++)
		n += vpd_pages_has(&pages, (uint8_t)page);
	MUST(n <= size);
	return 0;
}
