# SPDX-License-Identifier: GPL-2.0-only
# Promela models of the variants' protocols, searched with spin.

.PHONY: check-models

check-models: deps
	$(python) kunit.models.run
