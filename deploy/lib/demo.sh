# SPDX-License-Identifier: GPL-3.0-or-later
# The main job, for real and step by step: files in through one node and out through the others, and
# an open file that survives the death of its node.
