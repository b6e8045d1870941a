// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {Messages} from "../../contracts/libraries/Messages.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Bonds} from "./Bonds.sol";
import {Signed} from "./Signed.sol";
import {Snapshots} from "./Snapshots.sol";

/// @dev Gas of the doors that a person pays for, as whole transactions: 21,000 + calldata + execution. 71: held at +3 %.
contract DepositGasTest is Signed, Snapshots {
    uint256 internal constant GIVER = 0x617E;

    function setUp() public {
        _openSigned();
        _mint(vm.addr(GIVER), 100e6);
        // The ledger and the router's account hold something already, as they do on any day but the first.
        _deposit(0x1001, 10e6);
        _settle(_line(0x1001, 1e6));
        _settle(_line(0x1001, 1e6));
    }

    function test_71_aDepositByAuthorizationIsWithin100000() public {
        _deposit(GIVER, 10e6);
        vm.cool(address(ledger));
        vm.cool(address(dollar));
        vm.assertLe(_measureDeposit("deposit_authorization"), 100_000, "a deposit");
    }

    /// @dev A key's very first deposit opens a slot of the ledger's as well.
    function test_71_aKeysFirstDepositByAuthorizationIsWithin110000() public {
        vm.assertLe(_measureDeposit("deposit_authorization_first"), 110_000, "a first deposit");
    }

    function _measureDeposit(string memory name) private returns (uint256) {
        address key = vm.addr(GIVER);
        IComputeLedger.Authorization memory authorization =
            _receive(GIVER, key, 10e6, keccak256(abi.encode(router, key, key, bytes32("salt"))));
        bytes memory call =
            abi.encodeCall(ledger.depositWithAuthorization, (router, key, key, "salt", key, 10e6, authorization, ""));
        return _measure(name, address(ledger), call);
    }

    function test_71_aDepositByPermitIsWithin110000() public {
        _deposit(GIVER, 10e6);
        vm.prank(vm.addr(GIVER));
        dollar.approve(address(ledger), 0);
        (uint8 v, bytes32 r, bytes32 s) = _permit(GIVER, 10e6);
        bytes memory call =
            abi.encodeCall(ledger.depositWithPermit, (router, vm.addr(GIVER), 10e6, type(uint256).max, v, r, s));
        vm.cool(address(ledger));
        vm.cool(address(dollar));
        vm.prank(vm.addr(GIVER));
        vm.assertLe(_measure("deposit_permit", address(ledger), call), 110_000, "a deposit by permit");
    }

    function test_71_aSinglePaymentIsWithin160000() public {
        _payOnce("pay_once", 1_000_000);
    }

    function test_71_aSinglePaymentWithChangeIsWithin160000() public {
        _payOnce("pay_once_change", 600_000);
    }

    function _payOnce(string memory name, uint128 price) private {
        Messages.Request memory request;
        (request.payer, request.id, request.maxPrice) = (vm.addr(GIVER), keccak256("id"), 1_000_000);
        (request.pod, request.frontend) = (1, 1);
        (request.manifest, request.input) = (keccak256("manifest"), keccak256("input"));
        (request.deadline) = uint40(block.timestamp);
        uint40 expiry = uint40(block.timestamp + 3 days);
        bytes32 voucher =
            Messages.hash(Messages.Voucher(router, request.maxPrice, expiry, Messages.hash(request)));
        IComputeLedger.Authorization memory authorization =
            _receive(GIVER, request.payer, 1_000_000, keccak256(abi.encodePacked(hex"1901", domain, voucher)));
        bytes memory call =
            abi.encodeCall(ledger.payOnce, (request, expiry, 1, price, keccak256("receipt"), authorization));
        vm.prank(router);
        vm.assertLe(_measure(name, address(ledger), call), 160_000, "a single payment");
    }
}

contract BondGasTest is Bonds, Snapshots {
    function setUp() public {
        _openBonds();
        _work(1, 100e6);
        _work(2, 100e6);
        _pass(WEEK);
    }

    function test_71_aShortfallThatOpensARoundIsWithin120000() public {
        vm.assertLe(_measure("claim_shortfall_open", address(bonds), _filing(1)), 120_000, "opens a round");
    }

    function test_71_aShortfallThatJoinsARoundIsWithin120000() public {
        _file(Role.Node, 2, 110e6);
        vm.cool(address(ledger));
        vm.cool(address(bonds));
        vm.assertLe(_measure("claim_shortfall_join", address(bonds), _filing(1)), 120_000, "joins a round");
    }

    function _filing(uint32 node) private view returns (bytes memory) {
        Messages.Statement memory statement = _statement(Role.Node, node, 110e6, block.timestamp - 1 days);
        return abi.encodeCall(
            bonds.claimShortfall, (router, statement, _sign(ROUTER_KEY, Messages.hash(statement)))
        );
    }
}

/// @dev A payee that the bond has paid before files again and opens the next round: the dearest way in.
contract BondAgainGasTest is Bonds, Snapshots {
    function setUp() public {
        _openBonds();
        _work(1, 150e6);
        _pass(WEEK);
        _work(2, 5e6);
        _file(Role.Node, 1, 160e6);
        _pass(14 days);
        _resolve(Role.Node, 1);
        _bond(router, 10e6, 100e18);
        _work(1, 1e6);
        _pass(WEEK);
        _work(2, 5e6);
    }

    function test_gas_aSecondShortfallOfOnePayee() public {
        Messages.Statement memory statement = _statement(Role.Node, 1, 300e6, block.timestamp - 1 days);
        bytes memory signature = _sign(ROUTER_KEY, Messages.hash(statement));
        _measure(
            "claim_shortfall_again",
            address(bonds),
            abi.encodeCall(bonds.claimShortfall, (router, statement, signature))
        );
    }
}
