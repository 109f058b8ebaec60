# SPDX-License-Identifier: Apache-2.0
# install rules that belong to no room, and CPack.
