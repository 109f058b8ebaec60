// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// The source file that a target with a precompiled header must have; the header is all that is wanted of it.
